"""Important pods make room for themselves."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, condition
from tests.scheduler.harness import Harness, node, pod, taint

HIGH: dict[str, Any] = {"priorityClassName": "system-cluster-critical", "priority": 2_000_000_000}
HIGHER: dict[str, Any] = {"priorityClassName": "system-node-critical", "priority": 2_000_001_000}
NOBODY = "No preemption victims found for incoming pod"


def started(built: Object, second: int) -> Object:
    return {**built, "status": {"startTime": f"2026-01-01T00:00:{second:02d}Z"}}


def terminating(h: Harness) -> set[str]:
    return {
        p["metadata"]["name"]
        for p in h.user.list(kinds.PODS)
        if "deletionTimestamp" in p["metadata"]
    }


def filled(**spec: Any) -> Harness:
    h = Harness()
    h.add(node("n1", "4"), node("n2", "4"))
    h.add(pod("a", "3", nodeName="n1"), pod("b", "2", nodeName="n2"), pod("c", "2", nodeName="n2"))
    for resource in spec.pop("objects", ()):
        h.user.do_create(resource)
    h.add(pod("vip", "3", **{**HIGH, **spec}))
    h.settle()
    return h


def test_the_node_with_the_fewest_victims_is_chosen_and_promised() -> None:
    h = filled()
    assert terminating(h) == {"a"}
    vip = h.get("vip")
    assert vip["status"]["nominatedNodeName"] == "n1"
    assert h.why("vip") == "0/2 nodes are available: 2 Insufficient cpu."


def test_the_victim_is_told() -> None:
    h = filled()
    uid = h.get("vip")["metadata"]["uid"]
    assert ("Preempted", f"Preempted by pod {uid} on node n1") in h.events("a")
    found = condition(h.get("a")["status"]["conditions"], "DisruptionTarget")
    assert found is not None
    assert found["reason"] == "PreemptionByScheduler"
    assert found["message"] == (
        "default-scheduler: preempting to accommodate a higher priority pod"
    )


def test_the_pod_is_bound_when_its_victims_are_gone_and_nobody_takes_the_place() -> None:
    h = filled()
    h.add(pod("thief", "1500m"))
    h.settle()
    assert h.where("thief") == ""
    h.delete_pod("a")
    h.settle()
    assert h.where("vip") == "n1"
    assert h.where("thief") == ""


def test_no_more_is_preempted_than_needed_and_the_latest_started_goes_first() -> None:
    h = Harness()
    h.add(node("n1", "4"))
    h.add(started(pod("old", "2", nodeName="n1"), 1), started(pod("new", "2", nodeName="n1"), 9))
    h.add(pod("vip", "1", **HIGH))
    h.settle()
    assert terminating(h) == {"new"}


def test_equals_and_superiors_are_not_preempted() -> None:
    h = Harness()
    h.add(node("n1", "1"), node("n2", "1", taints=[taint("k")]))
    h.add(pod("same", "1", nodeName="n1", **HIGH), pod("vip", "1", **HIGH))
    h.settle()
    assert terminating(h) == set()
    assert h.why("vip") == (
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: }. "
        f"preemption: 0/2 nodes are available: 1 {NOBODY}, "
        "1 Preemption is not helpful for scheduling."
    )


def test_a_pod_that_may_not_preempt_does_not() -> None:
    polite: Object = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    polite |= {"metadata": {"name": "polite"}, "value": 1000, "preemptionPolicy": "Never"}
    h = filled(objects=[polite], priorityClassName="polite", priority=1000)
    assert terminating(h) == set()
    assert h.why("vip").endswith("preemption: not eligible due to preemptionPolicy=Never.")


def test_while_its_victims_terminate_a_pod_preempts_no_more() -> None:
    h = filled()
    h.add(node("n3", "1"))
    stored = h.user.get(kinds.NODES, "", "n3")
    h.user.do_update({**stored, "status": {"allocatable": {"cpu": "3500m", "pods": "0"}}},
                     subresource="status")  # fmt: skip
    h.advance(301)
    assert terminating(h) == {"a"}
    assert h.why("vip").endswith(
        "preemption: not eligible due to a terminating pod on the nominated node."
    )


def test_a_more_important_pod_takes_over_the_promised_place() -> None:
    h = Harness()
    h.add(node("n1", "2"), pod("a", "2", nodeName="n1"), pod("vip", "2", **HIGH))
    h.settle()
    assert h.get("vip")["status"]["nominatedNodeName"] == "n1"
    h.add(pod("king", "2", **HIGHER))
    h.settle()
    h.delete_pod("a")
    h.settle()
    assert h.where("king") == "n1"
    assert h.where("vip") == ""


def test_a_pod_kept_away_by_anti_affinity_preempts_the_one_that_keeps_it_away() -> None:
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "db"}},
    }
    alone = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    h = Harness()
    h.add(node("n1"), pod("db", labels={"app": "db"}, nodeName="n1"), pod("vip", affinity=alone,
                                                                         **HIGH))  # fmt: skip
    h.settle()
    assert terminating(h) == {"db"}
    h.delete_pod("db")
    h.settle()
    assert h.where("vip") == "n1"
