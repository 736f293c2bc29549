"""Nodes that stop renewing their lease: Unknown, tainted, evicted; and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.clock import format_micro_time, format_time, parse_time
from cluster.machinery.meta import Object, condition, is_deleting, is_true, set_condition
from tests.controllers.harness import Harness, node, pod, simple

HEARTBEAT = {"orrery.sim/heartbeat": "10"}
UNREACHABLE = "node.kubernetes.io/unreachable"
SECONDS_300 = {
    "key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
}  # fmt: skip


def lease(name: str, renewed: float, live: bool) -> Object:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name, "namespace": "kube-node-lease",
            **({"annotations": HEARTBEAT} if live else {}),
        },
        "spec": {
            "holderIdentity": name, "leaseDurationSeconds": 40,
            "renewTime": format_micro_time(renewed),
        },
    }  # fmt: skip


def started(*more: str) -> Harness:
    cluster = Harness("node-lifecycle-controller", "taint-eviction-controller", *more)
    cluster.add(simple("Namespace", "kube-node-lease"))
    cluster.add(node("n1"), node("n2"))
    cluster.add(lease("n1", cluster.now, True), lease("n2", cluster.now, True))
    return cluster


def write_lease(cluster: Harness, name: str, live: bool) -> None:
    fresh = lease(name, cluster.now, live)

    def change(old: Object) -> Object:
        meta = {k: v for k, v in old["metadata"].items() if k != "annotations"}
        if live:
            meta["annotations"] = HEARTBEAT
        return {**old, "metadata": meta, "spec": fresh["spec"]}

    cluster.user.do_patch(kinds.LEASES, "kube-node-lease", name, change)
    cluster.settle()


def ready_of(cluster: Harness, name: str) -> dict[str, Any]:
    found = condition(cluster.get(kinds.NODES, name)["status"]["conditions"], "Ready")
    assert found is not None
    return found


def taints(cluster: Harness, name: str) -> set[tuple[str, str]]:
    listed = cluster.get(kinds.NODES, name)["spec"].get("taints") or ()
    return {(t["key"], t["effect"]) for t in listed}


def set_ready(cluster: Harness, name: str, value: str) -> None:
    def change(old: Object) -> Object:
        conditions = old["status"]["conditions"]
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure"):
            conditions = set_condition(conditions, {"type": kind, "status": "False"}, cluster.now)
        conditions = set_condition(conditions, {"type": "Ready", "status": value}, cluster.now)
        return {**old, "status": {**old["status"], "conditions": conditions}}

    cluster.change(kinds.NODES, name, change, subresource="status")


def test_a_new_node_is_registered() -> None:
    cluster = started()
    text = "RegisteredNode: Node n1 event: Registered Node n1 in Controller"
    assert text in cluster.events("RegisteredNode", "n1")
    (event,) = [e for e in cluster.user.list(kinds.EVENTS) if e["involvedObject"]["name"] == "n1"]
    assert event["source"] == {"component": "node-controller"}


def test_live_leases_need_no_timer() -> None:
    cluster = started()
    cluster.advance(60)
    assert cluster.settle() is None
    assert ready_of(cluster, "n1")["status"] == "True"


def test_40_seconds_after_the_last_renewal_the_node_is_unknown_and_tainted() -> None:
    cluster = started()
    write_lease(cluster, "n1", live=False)
    cluster.advance(39.9)
    assert ready_of(cluster, "n1")["status"] == "True"
    cluster.advance(0.1)
    found = ready_of(cluster, "n1")
    assert (found["status"], found["reason"], found["message"]) == (
        "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.",
    )  # fmt: skip
    status = cluster.get(kinds.NODES, "n1")["status"]
    assert {c["status"] for c in status["conditions"]} == {"Unknown"}
    assert taints(cluster, "n1") == {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}
    assert cluster.events("NodeNotReady", "n1") == [
        "NodeNotReady: Node n1 status is now: NodeNotReady"
    ]
    assert taints(cluster, "n2") == set()


def test_a_lost_node_costs_nothing_more_even_with_foreign_conditions() -> None:
    cluster = started()
    set_ready(cluster, "n1", "True")

    def network(old: Object) -> Object:
        new = {"type": "NetworkUnavailable", "status": "False"}
        conditions = set_condition(old["status"]["conditions"], new, cluster.now)
        return {**old, "status": {**old["status"], "conditions": conditions}}

    cluster.change(kinds.NODES, "n1", network, subresource="status")
    write_lease(cluster, "n1", live=False)
    cluster.advance(60)
    before = cluster.registry.store.revision()
    cluster.advance(3600)
    assert cluster.registry.store.revision() == before


def test_its_pods_are_not_ready_from_then_on() -> None:
    cluster = started()
    cluster.add(pod("web").on("n1").ready(), pod("db").on("n2").ready())
    write_lease(cluster, "n1", live=False)
    cluster.advance(40)
    assert not is_true(cluster._pod("web")["status"]["conditions"], "Ready")
    assert is_true(cluster._pod("db")["status"]["conditions"], "Ready")
    assert cluster.events("NodeNotReady", "web") == ["NodeNotReady: Node is not ready"]


def test_pods_leave_after_their_tolerations_300_seconds() -> None:
    cluster = started()
    cluster.add(pod("web").on("n1").tolerating(SECONDS_300).ready())
    cluster.add(pod("stays").on("n1").tolerating({"operator": "Exists"}).ready())
    write_lease(cluster, "n1", live=False)
    cluster.advance(40 + 299)
    assert not is_deleting(cluster._pod("web"))
    cluster.advance(1)
    gone = cluster._pod("web")
    assert is_deleting(gone)
    reason = condition(gone["status"]["conditions"], "DisruptionTarget")
    assert reason is not None
    assert (reason["reason"], reason["message"]) == (
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
    )
    assert cluster.events("TaintManagerEviction", "web") == [
        "TaintManagerEviction: Marking for deletion Pod default/web"
    ]
    assert not is_deleting(cluster._pod("stays"))


def test_a_pod_without_toleration_leaves_at_once() -> None:
    cluster = started()
    cluster.add(pod("web").on("n1").ready())
    cluster.set_spec(kinds.NODES, "n1", taints=[{"key": "a", "effect": "NoExecute"}])
    assert "web" not in {p["metadata"]["name"] for p in cluster.living()}


def test_a_node_that_returns_is_clean_and_its_evictions_are_called_off() -> None:
    cluster = started()
    cluster.add(pod("web").on("n1").tolerating(SECONDS_300).ready())
    write_lease(cluster, "n1", live=False)
    cluster.advance(100)
    write_lease(cluster, "n1", live=True)
    set_ready(cluster, "n1", "True")
    assert taints(cluster, "n1") == set()
    assert cluster.events("TaintManagerEviction", "web") == [
        "TaintManagerEviction: Cancelling deletion of Pod default/web"
    ]
    cluster.advance(600)
    assert not is_deleting(cluster._pod("web"))


def test_a_restarted_controller_remembers_deadlines_from_the_objects() -> None:
    cluster = started()
    cluster.add(pod("web").on("n1").tolerating(SECONDS_300).ready())
    write_lease(cluster, "n1", live=False)
    cluster.advance(20)
    cluster.restart()
    cluster.advance(20)
    lost = ready_of(cluster, "n1")
    assert parse_time(lost["lastTransitionTime"]) == cluster.now
    cluster.advance(100)
    cluster.restart()
    cluster.advance(199)
    assert not is_deleting(cluster._pod("web"))
    cluster.advance(1)
    assert is_deleting(cluster._pod("web"))


def test_a_kubelet_that_says_not_ready_gets_the_other_taint() -> None:
    cluster = started()
    cluster.add(pod("web").on("n1").ready())
    set_ready(cluster, "n1", "False")
    key = "node.kubernetes.io/not-ready"
    assert taints(cluster, "n1") == {(key, "NoSchedule"), (key, "NoExecute")}
    assert not is_true(cluster._pod("web")["status"]["conditions"], "Ready")


@pytest.mark.parametrize(
    ("kind", "taint"),
    [("MemoryPressure", "memory-pressure"), ("DiskPressure", "disk-pressure"),
     ("PIDPressure", "pid-pressure")],
)  # fmt: skip
def test_pressure_is_a_taint(kind: str, taint: str) -> None:
    cluster = started()

    def press(old: Object) -> Object:
        new = {"type": kind, "status": "True"}
        conditions = set_condition(old["status"]["conditions"], new, cluster.now)
        return {**old, "status": {**old["status"], "conditions": conditions}}

    cluster.change(kinds.NODES, "n1", press, subresource="status")
    assert taints(cluster, "n1") == {(f"node.kubernetes.io/{taint}", "NoSchedule")}


def test_a_cordoned_node_is_tainted_beside_the_users_own_taints() -> None:
    cluster = started()
    own = {"key": "gpu", "effect": "NoSchedule"}
    cluster.set_spec(kinds.NODES, "n1", unschedulable=True, taints=[own])
    key = "node.kubernetes.io/unschedulable"
    assert taints(cluster, "n1") == {("gpu", "NoSchedule"), (key, "NoSchedule")}
    cluster.set_spec(kinds.NODES, "n1", unschedulable=False)
    assert taints(cluster, "n1") == {("gpu", "NoSchedule")}


def test_a_node_that_never_reported_is_lost_40_seconds_after_it_appeared() -> None:
    cluster = started()
    bare = node("n3")
    bare["status"] = {}
    cluster.add(bare)
    cluster.advance(40)
    found = ready_of(cluster, "n3")
    assert (found["status"], found["reason"], found["message"]) == (
        "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status.",
    )  # fmt: skip


def test_a_removed_node_is_told() -> None:
    cluster = started()
    cluster.delete(kinds.NODES, "n2")
    text = "RemovingNode: Node n2 event: Removing Node n2 from Controller"
    assert cluster.events("RemovingNode") == [text]


def test_of_several_taints_the_shortest_toleration_counts() -> None:
    cluster = started()
    tolerations = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
        for key, seconds in (("a", 300), ("b", 60))
    ]
    cluster.add(pod("web").on("n1").tolerating(*tolerations).ready())
    stamp = format_time(cluster.now)
    both = [{"key": k, "effect": "NoExecute", "timeAdded": stamp} for k in ("a", "b")]
    cluster.set_spec(kinds.NODES, "n1", taints=both)
    cluster.advance(59)
    assert len(cluster.living()) == 1
    cluster.advance(1)
    assert cluster.living() == []
