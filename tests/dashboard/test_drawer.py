"""The drawer: one object with all that concerns it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.test import Client as Browser

from cluster.client import kinds
from cluster.machinery.meta import Object
from dashboard import door
from tests.dashboard.toy import Toy, thing

HEAD = "apiVersion: v1\nkind: ConfigMap\n"


def text(browser: Browser, path: str, tab: str = "overview") -> str:
    answer = browser.get(f"/objects/{path}/", {"tab": tab})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_pod_tells_where_it_runs_and_what_of(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    toy.pod("web", "n1", ip="10.128.0.7", cpu="250m")
    page = text(browser, "pods/default/web")
    for word in ("n1", "10.128.0.7", "nginx:1.27", "cpu 250m", "1 of 1 containers", "Ready"):
        assert word in page


def test_a_pending_pod_says_why(browser: Browser, toy: Toy) -> None:
    why = "0/1 nodes are available: 1 Insufficient cpu."
    toy.unschedulable(toy.pod("big"), why)
    assert why in text(browser, "pods/default/big")


def test_a_pod_says_why_it_is_where_it_is(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    made = toy.admin.get(kinds.PODS, "default", toy.pod("web", "n1")["metadata"]["name"])
    best = [{"node": "n1", "score": 312}, {"node": "n2", "score": 300}]
    status = {
        "node": "n1",
        "message": "n1 won by 12 over n2",
        "attempts": [{"attempt": 1, "node": "n1", "best": best}],
    }
    decision = {
        "apiVersion": "orrery.sim/v1",
        "kind": "SchedulingDecision",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"podUID": made["metadata"]["uid"]},
        "status": status,
    }
    toy.admin.do_update(decision)
    page = text(browser, "pods/default/web")
    for word in ("Why here", "n1 won by 12 over n2", "n2: 300 points"):
        assert word in page


def test_a_node_shows_its_conditions_and_buttons(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    page = text(browser, "nodes/-/n1")
    assert "Fail: power off" in page
    assert "KubeletHasSufficientMemory" in page
    browser.post("/nodes/n1/fail/")
    assert "Bring back" in text(browser, "nodes/-/n1")


def test_a_deployment_shows_its_revisions(browser: Browser, toy: Toy) -> None:
    made = toy.deployment("web", 2, replicas=2, readyReplicas=2, updatedReplicas=2)
    toy.replica_set(made)
    page = text(browser, "deployments.apps/default/web")
    assert "web-5d4f8c7b9" in page
    assert 'data-pods="owner=default/Deployment/web"' in page


def test_a_service_shows_its_endpoints(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    pod = toy.pod("web-1", "n1", ip="10.128.0.9")
    toy.service("web", {"app": "web"}, [pod])
    page = text(browser, "services/default/web")
    assert "10.128.0.9:80" in page
    assert "1 of 1 endpoints ready" in page


def test_events_about_the_object_and_no_other(browser: Browser, toy: Toy) -> None:
    mine, other = toy.pod("web"), toy.pod("web2")
    toy.event(mine, "Pulling", "Pulling image mine")
    toy.event(other, "Pulling", "Pulling image other")
    page = text(browser, "pods/default/web", "events")
    assert "Pulling image mine" in page
    assert "Pulling image other" not in page


def test_yaml_edits_go_through_the_api(browser: Browser, toy: Toy) -> None:
    toy.put(thing("v1", "ConfigMap", "one", "default") | {"data": {"a": "1"}})
    page = text(browser, "configmaps/default/one", "yaml")
    assert "kind: ConfigMap" in page
    body = HEAD + "metadata: {name: one, namespace: default}\ndata: {a: '2'}"
    url = "/objects/configmaps/default/one/edit/"
    assert browser.post(url, {"text": body}).status_code == 204
    assert toy.admin.get(kinds.CONFIG_MAPS, "default", "one")["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("a: [", "expected"),
        ("", "there are 0 objects"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}", "cannot be changed"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, resourceVersion: '1'}",
            "the object has been modified",
        ),
    ],
)
def test_bad_edits_are_explained_and_change_nothing(
    browser: Browser, toy: Toy, body: str, says: str
) -> None:
    made = toy.put(thing("v1", "ConfigMap", "one", "default"))
    answer = browser.post("/objects/configmaps/default/one/edit/", {"text": body})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    now = toy.admin.get(kinds.CONFIG_MAPS, "default", "one")
    assert now["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_secret_values_stay_off_the_screen(browser: Browser, toy: Toy) -> None:
    toy.put(thing("v1", "Secret", "key", "default") | {"data": {"password": "aHVudGVyMg=="}})
    page = text(browser, "secrets/default/key", "yaml")
    assert "password" in page
    assert "aHVudGVyMg==" not in page


def test_an_object_that_is_gone(browser: Browser) -> None:
    assert "It is gone" in text(browser, "pods/default/nope")


def test_an_unknown_resource_is_404(browser: Browser) -> None:
    assert browser.get("/objects/gadgets/default/x/").status_code == 404


class FewLines:
    def tail(self, pod: Object, container: str, lines: int) -> Iterable[str]:
        return [f"<b>{container}</b> of {pod['metadata']['name']}"]


def test_logs_are_shown_as_text(browser: Browser, toy: Toy) -> None:
    toy.pod("web")
    door.configure(toy.client, logs=FewLines())
    assert "&lt;b&gt;main&lt;/b&gt; of web" in text(browser, "pods/default/web", "logs")
