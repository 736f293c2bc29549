"""Address blocks of nodes, and pods whose node will never answer again."""

from __future__ import annotations

import pytest

from cluster import controllers
from cluster.client import kinds
from cluster.controllers import podgc
from cluster.machinery.meta import condition, name_of
from tests.controllers.harness import Harness, node, pod

OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}


def test_every_node_gets_its_own_block_of_256_addresses() -> None:
    cluster = Harness("node-ipam-controller")
    cluster.add(*(node(f"n{i}") for i in range(300)))
    blocks = [n["spec"]["podCIDR"] for n in cluster.user.list(kinds.NODES)]
    assert len(set(blocks)) == 300
    assert cluster.get(kinds.NODES, "n0")["spec"]["podCIDRs"] == ["10.128.0.0/24"]
    assert cluster.get(kinds.NODES, "n299")["spec"]["podCIDR"] == "10.129.43.0/24"


def test_a_restarted_allocator_gives_nothing_away_twice() -> None:
    cluster = Harness("node-ipam-controller")
    cluster.add(node("a"), node("b"))
    cluster.restart()
    cluster.add(node("c"))
    assert len({n["spec"]["podCIDR"] for n in cluster.user.list(kinds.NODES)}) == 3


def test_pods_of_a_vanished_node_go_after_40_seconds() -> None:
    cluster = Harness("pod-garbage-collector-controller")
    cluster.add(node("n1"), pod("web").on("n1").ready().held_by("example.com/look"))
    cluster.delete(kinds.NODES, "n1")
    cluster.advance(39)
    assert len(cluster.living()) == 1
    cluster.advance(1)
    (left,) = cluster.pods()
    assert left["status"]["phase"] == "Failed"
    reason = condition(left["status"]["conditions"], "DisruptionTarget")
    assert reason is not None
    assert (reason["reason"], reason["message"]) == (
        "DeletionByPodGC",
        "PodGC: node no longer exists",
    )


def test_a_node_that_comes_back_in_time_keeps_them() -> None:
    cluster = Harness("pod-garbage-collector-controller")
    cluster.add(node("n1"), pod("web").on("n1").ready())
    cluster.delete(kinds.NODES, "n1")
    cluster.advance(20)
    cluster.add(node("n1"))
    cluster.advance(100)
    assert len(cluster.living()) == 1


def test_terminating_pods_of_a_node_out_of_service_are_let_go() -> None:
    cluster = Harness("pod-garbage-collector-controller")
    cluster.add(node("n1", ready="Unknown"), pod("web").on("n1").ready())
    cluster.delete(kinds.PODS, "web")
    assert len(cluster.pods()) == 1
    cluster.set_spec(kinds.NODES, "n1", taints=[OUT_OF_SERVICE])
    assert cluster.pods() == []


def test_of_too_many_ended_pods_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podgc, "TERMINATED_LIMIT", 2)
    cluster = Harness("pod-garbage-collector-controller")
    for name in ("first", "second", "third"):
        cluster.add(pod(name).phase("Succeeded"))
        cluster.advance(1)
    assert [name_of(p) for p in cluster.pods()] == ["second", "third"]


def test_controllers_are_chosen_as_upstreams_flag_does() -> None:
    everything = list(controllers.CONTROLLERS)
    assert controllers.selected("*") == everything
    assert controllers.selected("*,-job-controller") == [
        n for n in everything if n != "job-controller"
    ]
    assert controllers.selected("job-controller") == ["job-controller"]
    with pytest.raises(ValueError, match="is not in the list of known controllers"):
        controllers.selected("*,-cloud")
