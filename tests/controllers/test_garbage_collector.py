"""Dependents follow their owners: in the background, before them, or not at all."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object, is_deleting, name_of
from tests.controllers.harness import Harness, deployment, pod, replica_set, simple


def collector(*more: str) -> Harness:
    return Harness("garbage-collector-controller", *more)


def config(name: str, *owners: Object, block: bool = True, namespace: str = "default") -> Object:
    references = [
        {
            "apiVersion": o["apiVersion"], "kind": o["kind"], "name": name_of(o),
            "uid": o["metadata"]["uid"], "blockOwnerDeletion": block,
        }
        for o in owners
    ]  # fmt: skip
    return simple("ConfigMap", name, namespace=namespace, ownerReferences=references)


def test_in_the_background_dependents_go_after_their_owner() -> None:
    cluster = collector("deployment-controller", "replicaset-controller")
    cluster.add(deployment("web", 2))
    cluster.delete(kinds.DEPLOYMENTS, "web")
    assert cluster.user.list(kinds.REPLICA_SETS, "default") == []
    assert cluster.pods() == []


def test_in_the_foreground_the_owner_waits_for_its_dependents() -> None:
    cluster = collector("replicaset-controller")
    cluster.add(replica_set("web", 1))
    cluster.run_pods()
    cluster.delete(kinds.REPLICA_SETS, "web", propagation="Foreground")
    owner = cluster.get(kinds.REPLICA_SETS, "web")
    assert owner["metadata"]["finalizers"] == ["foregroundDeletion"]
    (dependent,) = cluster.pods()
    assert is_deleting(dependent)
    cluster.finish_deletions()
    assert not cluster.exists(kinds.REPLICA_SETS, "web")


def test_the_foreground_goes_all_the_way_down() -> None:
    cluster = collector("deployment-controller", "replicaset-controller")
    cluster.add(deployment("web", 1))
    cluster.run_pods()
    cluster.delete(kinds.DEPLOYMENTS, "web", propagation="Foreground")
    assert cluster.exists(kinds.DEPLOYMENTS, "web")
    (below,) = cluster.user.list(kinds.REPLICA_SETS, "default")
    assert below["metadata"]["finalizers"] == ["foregroundDeletion"]
    cluster.finish_deletions()
    assert not cluster.exists(kinds.DEPLOYMENTS, "web")


def test_a_dependent_that_does_not_block_is_not_waited_for() -> None:
    cluster = collector()
    owner = cluster.add(config("owner"))
    held = config("dependent", owner, block=False)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.add(held)
    cluster.delete(kinds.CONFIG_MAPS, "owner", propagation="Foreground")
    assert not cluster.exists(kinds.CONFIG_MAPS, "owner")
    assert is_deleting(cluster.get(kinds.CONFIG_MAPS, "dependent"))


def test_orphans_stay_without_the_reference() -> None:
    cluster = collector("replicaset-controller")
    cluster.add(replica_set("web", 2))
    cluster.delete(kinds.REPLICA_SETS, "web", propagation="Orphan")
    assert not cluster.exists(kinds.REPLICA_SETS, "web")
    assert len(cluster.living()) == 2
    assert all("ownerReferences" not in p["metadata"] for p in cluster.pods())


def test_one_owner_left_is_enough() -> None:
    cluster = collector()
    first, second = cluster.add(config("a")), cluster.add(config("b"))
    cluster.add(config("shared", first, second))
    cluster.delete(kinds.CONFIG_MAPS, "a")
    shared = cluster.get(kinds.CONFIG_MAPS, "shared")
    assert [r["name"] for r in shared["metadata"]["ownerReferences"]] == ["b"]
    cluster.delete(kinds.CONFIG_MAPS, "b", propagation="Foreground")
    assert not cluster.exists(kinds.CONFIG_MAPS, "shared")
    assert not cluster.exists(kinds.CONFIG_MAPS, "b")


def test_an_object_made_for_an_absent_owner_goes() -> None:
    cluster = collector()
    owner = cluster.add(config("owner"))
    cluster.delete(kinds.CONFIG_MAPS, "owner")
    cluster.add(config("late", owner))
    assert not cluster.exists(kinds.CONFIG_MAPS, "late")


def test_an_owner_of_the_same_name_but_another_uid_is_absent() -> None:
    cluster = collector()
    former = cluster.add(config("owner"))
    cluster.delete(kinds.CONFIG_MAPS, "owner")
    cluster.add(config("owner"), config("late", former))
    assert not cluster.exists(kinds.CONFIG_MAPS, "late")


def test_an_owner_in_another_namespace_is_absent_and_that_is_told() -> None:
    cluster = collector()
    cluster.add(simple("Namespace", "team"))
    owner = cluster.add(config("owner", namespace="team"))
    cluster.add(config("stray", owner))
    assert not cluster.exists(kinds.CONFIG_MAPS, "stray")
    (text,) = cluster.events("OwnerRefInvalidNamespace")
    assert text.endswith('does not exist in namespace "default"')


def test_a_cluster_scoped_owner_may_have_dependents_anywhere() -> None:
    cluster = collector()
    owner = cluster.add(simple("Node", "n1"))
    cluster.add(pod("etcd").owned_by(owner))
    assert len(cluster.pods()) == 1
    cluster.delete(kinds.NODES, "n1")
    assert cluster.pods() == []


def test_owners_of_unknown_kinds_are_believed() -> None:
    cluster = collector()
    owner = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "uid": "u"},
    }
    cluster.add(config("child", owner))
    assert cluster.exists(kinds.CONFIG_MAPS, "child")


def test_what_happened_while_it_was_down_is_found_after_a_restart() -> None:
    cluster = collector()
    owner = cluster.add(config("owner"))
    cluster.add(config("dependent", owner))
    cluster.user.do_delete(kinds.CONFIG_MAPS, "default", "owner")
    cluster.restart()
    assert not cluster.exists(kinds.CONFIG_MAPS, "dependent")
