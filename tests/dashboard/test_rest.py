"""The Kubernetes API under the dashboard's port: who one is there, and what a session may do."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from dashboard.rest import KubernetesPaths, is_kubernetes

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a" * 32


class Recorder:
    """Stands for the API server or for Django: remembers the scope it was given."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)


@pytest.fixture
def people() -> dict[str, str]:
    """Session cookies of the owner and of somebody who may only look."""
    out = {}
    for name, user in (
        ("owner", User.objects.create_superuser("admin", password="secret")),
        ("guest", User.objects.create_user("guest", password="secret")),
    ):
        browser = Browser()
        browser.force_login(user)
        out[name] = browser.cookies["sessionid"].value
    return out


async def ask(method: str, path: str, **headers: str) -> tuple[Recorder, Recorder, list[Any]]:
    api, others, sent = Recorder(), Recorder(), []

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "scheme": "http",
        "headers": [(b"host", b"localhost"), *pairs], "server": ("localhost", 8000),
    }  # fmt: skip
    await KubernetesPaths(api, others)(scope, None, send)
    return api, others, sent


@pytest.mark.parametrize(
    ("path", "ours"),
    [("/api", True), ("/apis/apps/v1", True), ("/version/", True), ("/openapi/v3", True),
     ("/", False), ("/apiary", False), ("/admin/", False)],
)  # fmt: skip
def test_which_paths_are_the_apis(path: str, ours: bool) -> None:
    assert is_kubernetes(path) is ours


async def test_other_paths_go_to_django() -> None:
    api, others, _ = await ask("GET", "/admin/")
    assert (len(api.scopes), len(others.scopes)) == (0, 1)


async def test_a_token_passes_through_untouched() -> None:
    api, _, _ = await ask("POST", "/api/v1/namespaces", authorization="Bearer x")
    assert "client_cert" not in api.scopes[0]


async def test_nobody_stays_nobody() -> None:
    api, _, _ = await ask("GET", "/api/v1/pods")
    assert "client_cert" not in api.scopes[0]


async def test_the_owner_is_a_master(people: dict[str, str]) -> None:
    api, _, _ = await ask("GET", "/api/v1/pods", cookie=f"sessionid={people['owner']}")
    name, groups = api.scopes[0]["client_cert"]
    assert name == "admin"
    assert "system:masters" in groups


async def test_a_session_cannot_write_without_the_token(people: dict[str, str]) -> None:
    cookie = f"sessionid={people['owner']}; csrftoken={SECRET}"
    api, _, sent = await ask("POST", "/api/v1/namespaces", cookie=cookie)
    assert api.scopes == []
    assert sent[0]["status"] == 403
    status = orjson.loads(sent[1]["body"])
    assert (status["kind"], status["reason"]) == ("Status", "Forbidden")


async def test_a_session_with_the_token_writes(people: dict[str, str]) -> None:
    cookie = f"sessionid={people['owner']}; csrftoken={SECRET}"
    api, _, _ = await ask("POST", "/api/v1/namespaces", cookie=cookie, x_csrftoken=SECRET)
    assert api.scopes[0]["client_cert"][0] == "admin"


async def test_a_page_of_another_origin_cannot_write(people: dict[str, str]) -> None:
    cookie = f"sessionid={people['owner']}; csrftoken={SECRET}"
    api, _, sent = await ask(
        "DELETE", "/api/v1/namespaces/x", cookie=cookie, x_csrftoken=SECRET, origin="http://evil"
    )
    assert api.scopes == []
    assert sent[0]["status"] == 403


async def test_a_viewer_reads_only(people: dict[str, str]) -> None:
    cookie = f"sessionid={people['guest']}; csrftoken={SECRET}"
    api, _, _ = await ask("GET", "/api/v1/pods", cookie=cookie)
    assert api.scopes[0]["client_cert"][0] == "guest"
    api, _, sent = await ask("DELETE", "/api/v1/pods/x", cookie=cookie, x_csrftoken=SECRET)
    assert (api.scopes, sent[0]["status"]) == ([], 403)
