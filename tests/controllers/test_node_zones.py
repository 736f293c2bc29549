"""How fast nodes are given up when many of them, or all, do not answer."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object
from tests.controllers.harness import Harness, node, simple
from tests.controllers.test_node_lifecycle import UNREACHABLE, lease, set_ready, taints, write_lease

GIVEN_UP = (UNREACHABLE, "NoExecute")


def zoned(name: str, zone: str) -> Object:
    body = node(name)
    body["metadata"]["labels"]["topology.kubernetes.io/zone"] = zone
    return body


def cluster_of(**zones: int) -> Harness:
    """Nodes a0, a1, ... in zone a, and so on."""
    cluster = Harness("node-lifecycle-controller")
    cluster.add(simple("Namespace", "kube-node-lease"))
    for zone, count in zones.items():
        for i in range(count):
            cluster.add(zoned(f"{zone}{i}", zone), lease(f"{zone}{i}", cluster.now, True))
    return cluster


def lose(cluster: Harness, *names: str) -> None:
    """Their last heartbeat was now; the same moment for all."""
    for name in names:
        fresh = lease(name, cluster.now, False)

        def change(old: Object, fresh: Object = fresh) -> Object:
            meta = {k: v for k, v in old["metadata"].items() if k != "annotations"}
            return {**old, "metadata": meta, "spec": fresh["spec"]}

        cluster.user.do_patch(kinds.LEASES, "kube-node-lease", name, change)
    cluster.settle()


def given_up(cluster: Harness) -> set[str]:
    nodes = (n["metadata"]["name"] for n in cluster.user.list(kinds.NODES))
    return {name for name in nodes if GIVEN_UP in taints(cluster, name)}


def test_one_node_in_ten_seconds() -> None:
    cluster = cluster_of(a=10)
    lose(cluster, "a0", "a1", "a2")
    cluster.advance(40)
    assert given_up(cluster) == {"a0"}
    assert all((UNREACHABLE, "NoSchedule") in taints(cluster, f"a{i}") for i in range(3))
    cluster.advance(10)
    assert given_up(cluster) == {"a0", "a1"}
    cluster.advance(10)
    assert given_up(cluster) == {"a0", "a1", "a2"}


def test_a_node_that_answers_in_time_is_not_given_up() -> None:
    cluster = cluster_of(a=10)
    lose(cluster, "a0", "a1")
    cluster.advance(45)
    write_lease(cluster, "a1", live=True)
    set_ready(cluster, "a1", "True")
    cluster.advance(100)
    assert "a1" not in given_up(cluster)


def test_when_no_node_answers_none_is_given_up() -> None:
    cluster = cluster_of(a=3, b=2)
    lose(cluster, "a0", "a1", "a2", "b0", "b1")
    cluster.advance(400)
    assert given_up(cluster) == set()


def test_the_last_node_to_go_saves_those_given_up_before() -> None:
    cluster = cluster_of(a=2)
    lose(cluster, "a0")
    cluster.advance(40)
    assert given_up(cluster) == {"a0"}
    lose(cluster, "a1")
    cluster.advance(40)
    assert given_up(cluster) == set()
    write_lease(cluster, "a1", live=True)
    set_ready(cluster, "a1", "True")
    cluster.advance(10)
    assert given_up(cluster) == {"a0"}


def test_a_lost_zone_is_given_up_while_another_one_lives() -> None:
    cluster = cluster_of(a=2, b=2)
    lose(cluster, "a0", "a1")
    cluster.advance(50)
    assert given_up(cluster) == {"a0", "a1"}


def test_zones_have_rates_of_their_own() -> None:
    cluster = cluster_of(a=5, b=5)
    lose(cluster, "a0", "a1", "b0", "b1")
    cluster.advance(40)
    assert given_up(cluster) == {"a0", "b0"}


def test_most_of_a_small_zone_gone_stops_giving_up() -> None:
    cluster = cluster_of(a=5, b=1)
    lose(cluster, "a0", "a1", "a2")
    cluster.advance(400)
    assert given_up(cluster) == set()


def test_most_of_a_large_zone_gone_slows_it_down() -> None:
    cluster = cluster_of(a=60, b=1)
    lose(cluster, *(f"a{i}" for i in range(40)))
    cluster.advance(40)
    assert len(given_up(cluster)) == 1
    cluster.advance(99)
    assert len(given_up(cluster)) == 1
    cluster.advance(1)
    assert len(given_up(cluster)) == 2
