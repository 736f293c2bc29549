"""Buttons: what they write, and what they answer."""

from __future__ import annotations

import orjson
from django.http import HttpResponse
from django.test import Client as Browser

from cluster.client import kinds
from tests.dashboard.toy import Toy, thing


def toast(answer: HttpResponse) -> tuple[str, str]:
    """(tone, text) of the sentence the page shows."""
    found = orjson.loads(answer["HX-Trigger"])["toast"]
    return found["tone"], found["text"]


def test_failing_a_node_creates_the_fault_that_kubectl_could_create(
    browser: Browser, toy: Toy
) -> None:
    toy.node("n1", "192.168.49.2")
    assert toast(browser.post("/nodes/n1/fail/"))[0] == "good"
    (fault,) = toy.admin.list(kinds.FAULTS)
    assert fault["spec"] == {"type": "NodePowerOff", "target": {"kind": "Node", "names": ["n1"]}}


def test_failing_a_node_twice_is_failing_it_once(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    for _ in range(2):
        assert browser.post("/nodes/n1/fail/").status_code == 204
    assert len(toy.admin.list(kinds.FAULTS)) == 1


def test_bringing_back_deletes_the_fault(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    browser.post("/nodes/n1/fail/")
    browser.post("/nodes/n1/restore/")
    assert toy.admin.list(kinds.FAULTS) == []
    assert toast(browser.post("/nodes/n1/restore/")) == ("good", "n1 was not off.")


def test_bringing_one_back_leaves_the_others_of_a_shared_fault_off(
    browser: Browser, toy: Toy
) -> None:
    for at, name in enumerate(("n1", "n2")):
        toy.node(name, f"192.168.49.{at + 2}")
    target = {"kind": "Node", "names": ["n1", "n2"]}
    toy.put(
        thing("orrery.sim/v1", "Fault", "both", spec={"type": "NodePowerOff", "target": target})
    )
    browser.post("/nodes/n1/restore/")
    off = [f["spec"]["target"]["names"] for f in toy.admin.list(kinds.FAULTS)]
    assert off == [["n2"]]


def test_a_node_that_does_not_exist(browser: Browser) -> None:
    tone, text = toast(browser.post("/nodes/nope/fail/"))
    assert (tone, text) == ("bad", 'nodes "nope" not found')


def test_cordon_and_uncordon(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    assert toast(browser.post("/nodes/n1/cordon/"))[1] == "node/n1 cordoned"
    assert toy.admin.get(kinds.NODES, "", "n1")["spec"]["unschedulable"] is True
    assert toast(browser.post("/nodes/n1/cordon/"))[1] == "node/n1 already cordoned"
    assert toast(browser.post("/nodes/n1/uncordon/"))[1] == "node/n1 uncordoned"
    assert "unschedulable" not in toy.admin.get(kinds.NODES, "", "n1")["spec"]


def daemon(toy: Toy) -> dict:
    labels = {"app": "agent"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "agent:1"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return toy.put(thing("apps/v1", "DaemonSet", "agent", "default", spec=spec))


def test_a_drain_evicts_all_but_daemons_and_static_pods(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    owner = toy.replica_set(toy.deployment("web", 2))
    toy.pod("web-1", "n1", owner=owner)
    toy.pod("web-2", "n1", owner=owner)
    toy.pod("elsewhere", "n2", owner=owner)
    toy.pod("agent-1", "n1", owner=daemon(toy))
    plan = browser.get("/nodes/n1/drain/").content.decode()
    assert "2 pods" in plan
    assert "default/agent-1" in plan
    answer = browser.post("/nodes/n1/drain/now/")
    assert toast(answer) == ("good", "node/n1 drained: 2 pods evicted")
    left = {
        p["metadata"]["name"]
        for p in toy.admin.list(kinds.PODS, "default")
        if "deletionTimestamp" not in p["metadata"]
    }
    assert left == {"agent-1", "elsewhere"}
    assert toy.admin.get(kinds.NODES, "", "n1")["spec"]["unschedulable"] is True


def test_a_drain_that_would_lose_a_bare_pod_is_refused_in_kubectls_words(
    browser: Browser, toy: Toy
) -> None:
    toy.node("n1", "192.168.49.2")
    toy.pod("bare", "n1")
    answer = browser.post("/nodes/n1/drain/now/")
    assert answer.status_code == 422
    assert b"cannot delete Pods that declare no controller" in answer.content
    assert "unschedulable" not in toy.admin.get(kinds.NODES, "", "n1")["spec"]
    assert browser.post("/nodes/n1/drain/now/", {"force": "on"}).status_code == 204


def test_scale(browser: Browser, toy: Toy) -> None:
    toy.deployment("web", 2)
    url = "/workloads/Deployment/default/web/scale/"
    assert toast(browser.post(url, {"replicas": "5"}))[1] == "deployment.apps/web scaled to 5"
    assert toy.admin.get(kinds.DEPLOYMENTS, "default", "web")["spec"]["replicas"] == 5
    tone, text = toast(browser.post(url, {"replicas": "-1"}))
    assert tone == "bad"
    assert "must be greater than or equal to 0" in text
    assert toast(browser.post(url, {"replicas": "x"}))[0] == "bad"


def test_restart_changes_the_template_as_kubectl_does(browser: Browser, toy: Toy) -> None:
    toy.deployment("web", 2)
    browser.post("/workloads/Deployment/default/web/restart/")
    template = toy.admin.get(kinds.DEPLOYMENTS, "default", "web")["spec"]["template"]
    stamp = template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"]
    assert stamp == "2026-01-01T00:00:00Z"


def test_delete_and_delete_again(browser: Browser, toy: Toy) -> None:
    toy.deployment("web", 2)
    url = "/objects/deployments.apps/default/web/delete/"
    assert toast(browser.post(url)) == ("good", 'deployment.apps "web" deleted')
    assert toast(browser.post(url)) == ("bad", 'deployments.apps "web" not found')


def test_force_delete_does_not_wait_for_the_node(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    toy.pod("web", "n1")
    browser.post("/objects/pods/default/web/delete/")
    assert toy.admin.list(kinds.PODS, "default") != []
    browser.post("/objects/pods/default/web/delete/", {"force": "1"})
    assert toy.admin.list(kinds.PODS, "default") == []


def test_the_clock_is_paused_resumed_and_wound(browser: Browser, toy: Toy) -> None:
    def clock() -> dict:
        return toy.admin.get(kinds.CLOCKS, "", "cluster")["spec"]

    browser.post("/clock/", {"speed": "100"})
    assert clock()["speed"] == 100
    browser.post("/clock/", {"do": "pause"})
    assert clock() == {"speed": 100, "paused": True}
    browser.post("/clock/", {"speed": "10"})
    assert clock() == {"speed": 10, "paused": False}
    assert toast(browser.post("/clock/", {"speed": "5000"}))[0] == "bad"
    assert toast(browser.post("/clock/", {"speed": "fast"}))[0] == "bad"


def test_every_write_says_who_pressed_the_button(browser: Browser, toy: Toy) -> None:
    toy.node("n1", "192.168.49.2")
    before = toy.registry.store.revision()
    browser.post("/nodes/n1/cordon/")
    origin = toy.registry.store.events(before)[-1].origin
    assert (origin.component, origin.reconcile) == ("dashboard:admin", "cordon node/n1")
