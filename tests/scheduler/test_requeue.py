"""Unschedulable pods are tried again when something may help them, and not otherwise."""

from __future__ import annotations

from cluster.client import kinds
from tests.scheduler.harness import Harness, node, pod, taint


def attempts(h: Harness, name: str) -> int:
    return len(h.scheduler.decisions.of(f"default/{name}"))


def test_an_event_that_cannot_help_is_no_reason_to_try() -> None:
    h = Harness()
    h.add(node("n1"), pod("big", "100"))
    h.settle()
    h.add(node("n2"))  # too small for it even when empty
    h.change_node("n1", unschedulable=True)
    h.settle()
    assert attempts(h, "big") == 1


def test_more_room_on_a_node_helps() -> None:
    h = Harness()
    h.add(node("n1", "1"), pod("big", "3"))
    h.settle()
    stored = h.user.get(kinds.NODES, "", "n1")
    have = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    h.user.do_update({**stored, "status": {**stored["status"], "allocatable": have}},
                     subresource="status")  # fmt: skip
    h.settle()
    assert h.where("big") == "n1"


def test_uncordoning_removing_a_taint_and_a_label_help() -> None:
    h = Harness()
    h.add(node("n1", unschedulable=True), node("n2", taints=[taint("k")]), node("n3"))
    h.add(pod("picky", nodeSelector={"disk": "ssd"}))
    h.settle()
    assert attempts(h, "picky") == 1
    h.change_node("n3", unschedulable=False)
    stored = h.user.get(kinds.NODES, "", "n3")
    labels = {**stored["metadata"]["labels"], "disk": "ssd"}
    h.user.do_update({**stored, "metadata": {**stored["metadata"], "labels": labels}})
    h.settle()
    assert h.where("picky") == "n3"
    h.change_node("n3", unschedulable=True)
    h.add(pod("a"))
    h.settle()
    assert h.where("a") == ""
    h.change_node("n2", taints=[])
    h.settle()
    assert h.where("a") == "n2"


def test_a_friend_helps_a_pod_with_affinity() -> None:
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "db"}},
    }
    near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    h = Harness()
    h.add(node("n1"), node("n2"), pod("web", affinity=near))
    h.settle()
    assert h.why("web").startswith(
        "0/2 nodes are available: 2 node(s) didn't match pod affinity rules."
    )
    h.add(pod("other", labels={"app": "cache"}))
    h.settle()
    assert attempts(h, "web") == 1
    h.add(pod("db", labels={"app": "db"}))
    h.settle()
    assert h.where("web") == h.where("db") != ""


def test_without_any_event_it_is_tried_after_five_minutes() -> None:
    h = Harness()
    h.add(node("n1"), pod("big", "100"))
    h.advance(299)
    assert attempts(h, "big") == 1
    h.advance(2)
    assert attempts(h, "big") == 2


def test_a_repeated_failure_raises_the_events_count_once_and_then_twice_an_hour() -> None:
    h = Harness()
    h.add(node("n1"), pod("big", "100"))

    def counts() -> list[int]:
        events = h.user.list(kinds.EVENTS)
        return [e["count"] for e in events if e["reason"] == "FailedScheduling"]

    h.advance(301)
    assert counts() == [2]
    h.advance(1500)
    assert (attempts(h, "big"), counts()) == (7, [2])
    h.advance(600)
    assert counts() == [3]


def test_room_on_a_node_where_it_still_does_not_fit_is_no_reason_to_try() -> None:
    h = Harness()
    h.add(node("n1", "2"), pod("a", "1", nodeName="n1"), pod("b", "1", nodeName="n1"))
    h.add(pod("big", "2"))
    h.settle()
    h.delete_pod("a")
    h.settle()
    assert attempts(h, "big") == 1
    h.delete_pod("b")
    h.settle()
    assert h.where("big") == "n1"


def test_a_changed_pod_is_tried_again() -> None:
    h = Harness()
    h.add(node("n1", taints=[taint("k")]), pod("web"))
    h.settle()
    stored = h.get("web")
    tolerations = [*stored["spec"].get("tolerations", []), {"key": "k", "operator": "Exists"}]
    h.user.do_update({**stored, "spec": {**stored["spec"], "tolerations": tolerations}})
    h.settle()
    assert h.where("web") == "n1"
