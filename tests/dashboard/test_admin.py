"""Django's admin lists the store's rows and writes through the API alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from cluster.apiserver.registry import Registry
from cluster.client import Client, kinds
from cluster.etcd.sql import SqlStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from dashboard import door

pytestmark = pytest.mark.django_db(transaction=True)
OBJECTS = "/admin/dashboard/clusterobject/"
HEAD = "apiVersion: v1\nkind: ConfigMap\n"


def config_map(name: str, namespace: str = "default", **data: str) -> dict:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


@pytest.fixture
def client() -> Iterator[Client]:
    registry = Registry(SqlStore("main"), VirtualClock(), Entropy(1))
    door.configure(lambda name, groups: Client(registry, name, groups))
    made = Client(registry, "test")
    for name in ("default", "other"):
        made.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    made.do_create(config_map("one", a="1"))
    made.do_create(config_map("two", "other"))
    yield made
    door.configure(None)


@pytest.fixture
def browser(client: Client) -> Browser:
    out = Browser()
    out.force_login(User.objects.create_superuser("admin", password="secret"))
    return out


def listed(browser: Browser, **query: str) -> str:
    answer = browser.get(OBJECTS, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_objects_are_listed_by_kind_namespace_and_name(browser: Browser) -> None:
    assert "configmaps/default/one" in listed(browser)
    page = listed(browser, kind="configmaps")
    assert "configmaps/other/two" in page
    assert "namespaces/-/other" not in page
    page = listed(browser, kind="configmaps", namespace="other")
    assert "configmaps/other/two" in page
    assert "configmaps/default/one" not in page
    page = listed(browser, q="one")
    assert "configmaps/default/one" in page
    assert "configmaps/other/two" not in page


def test_an_object_is_edited_as_yaml(browser: Browser, client: Client) -> None:
    url = f"{OBJECTS}configmaps/default/one/change/"
    page = browser.get(url)
    assert page.status_code == 200
    assert b"kind: ConfigMap" in page.content
    text = HEAD + "metadata: {name: one, namespace: default}\ndata: {a: '2'}"
    assert browser.post(url, {"text": text}).status_code == 302
    assert client.get(kinds.CONFIG_MAPS, "default", "one")["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + "metadata: {name: one, labels: {'-': x}}", "metadata.labels"),
        (HEAD + "metadata: {name: two}", "cannot be changed"),
        ("a: [", "line 1"),
        (
            HEAD + "metadata: {name: one, resourceVersion: '1'}",
            "the object has been modified",
        ),
    ],
)  # fmt: skip
def test_what_the_api_refuses_is_said_at_the_field(
    browser: Browser, client: Client, text: str, says: str
) -> None:
    before = client.registry.store.revision()
    answer = browser.post(f"{OBJECTS}configmaps/default/one/change/", {"text": text})
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert client.registry.store.revision() == before


def test_a_new_object(browser: Browser, client: Client) -> None:
    text = HEAD + "metadata: {name: three, namespace: default}"
    assert browser.post(f"{OBJECTS}add/", {"text": text}).status_code == 302
    assert client.get(kinds.CONFIG_MAPS, "default", "three")
    again = browser.post(f"{OBJECTS}add/", {"text": text}, follow=True)
    assert "already exists" in again.content.decode()


def test_deleting_one_and_several(browser: Browser, client: Client) -> None:
    answer = browser.post(f"{OBJECTS}configmaps/default/one/delete/", {"post": "yes"})
    assert answer.status_code == 302
    from dashboard.models import ClusterObject

    rows = ClusterObject.objects.filter(key=kinds.CONFIG_MAPS.key("other", "two"))
    browser.post(
        OBJECTS,
        {"action": "delete_selected", "_selected_action": [r.pk for r in rows], "post": "yes"},
    )
    assert client.list(kinds.CONFIG_MAPS) == []


def test_the_log_shows_who_wrote_what(browser: Browser) -> None:
    url = f"{OBJECTS}configmaps/default/one/change/"
    text = HEAD + "metadata: {name: one, namespace: default}\ndata: {a: '3'}"
    browser.post(url, {"text": text})
    history = browser.get(f"{OBJECTS}configmaps/default/one/history/", follow=True)
    assert history.status_code == 200
    page = history.content.decode()
    assert "dashboard:admin" in page
    assert "changed" in page
    assert browser.get("/admin/dashboard/loggedchange/add/").status_code == 403


def test_a_viewer_is_not_let_into_the_admin(client: Client) -> None:
    out = Browser()
    out.force_login(User.objects.create_user("guest", password="secret"))
    assert out.get(OBJECTS).status_code == 302
