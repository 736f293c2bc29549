"""One-time login links, and who may see what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from dashboard.login import make_login_url
from dashboard.models import LoginToken
from tests.dashboard.toy import Toy

BASE = "http://localhost:8000"


def path(url: str) -> str:
    return url.removeprefix(BASE)


@pytest.mark.django_db
def test_a_link_logs_the_owner_in_once(toy: Toy) -> None:
    url = make_login_url(BASE)
    first, second = Browser(), Browser()
    assert first.get(path(url))["Location"] == "/"
    assert first.get("/").status_code == 200
    assert second.get(path(url)).status_code == 410
    assert second.get("/").status_code == 302


@pytest.mark.django_db
def test_an_old_link_is_refused() -> None:
    url = make_login_url(BASE)
    LoginToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    answer = Browser().get(path(url))
    assert answer.status_code == 410
    assert b"manage.py login-url" in answer.content


@pytest.mark.django_db
def test_the_token_itself_is_not_stored() -> None:
    url = make_login_url(BASE)
    assert LoginToken.objects.get().digest not in url


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["/", "/objects/pods/default/web/", "/create/pod/", "/nodes/n1/drain/"]
)
def test_strangers_are_sent_to_the_login(url: str) -> None:
    answer = Browser().get(url)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.django_db
def test_htmx_sends_the_whole_page_to_the_login() -> None:
    answer = Browser().get("/create/pod/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/login/"


def test_a_viewer_looks_but_does_not_touch(viewer: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    page = viewer.get("/")
    assert page.status_code == 200
    assert b'data-operate="0"' in page.content
    assert viewer.get("/objects/nodes/-/n1/").status_code == 200
    assert b"Fail: power off" not in viewer.get("/objects/nodes/-/n1/").content
    assert viewer.post("/nodes/n1/fail/").status_code == 403
    assert viewer.get("/create/pod/").status_code == 403


def test_an_operator_operates(operator: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    assert operator.post("/nodes/n1/cordon/").status_code == 204


def test_every_page_carries_a_strict_policy(browser: Browser) -> None:
    policy = browser.get("/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
