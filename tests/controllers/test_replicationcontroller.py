"""ReplicationControllers: what ReplicaSets were before they had label expressions."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object, controller_of, name_of
from tests.controllers.harness import Harness, pod, template


def controller(replicas: int) -> Object:
    spec = {"replicas": replicas, "selector": {"app": "web"}, "template": template({"app": "web"})}
    meta = {"name": "web", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": meta, "spec": spec}


def test_it_keeps_as_many_pods_as_asked_for() -> None:
    cluster = Harness("replicationcontroller-controller")
    cluster.add(controller(3))
    cluster.run_pods()
    shown = cluster.get(kinds.REPLICATION_CONTROLLERS, "web")["status"]
    assert (shown["replicas"], shown["readyReplicas"], shown["availableReplicas"]) == (3, 3, 3)
    cluster.delete(kinds.PODS, name_of(cluster.pods()[0]))
    assert len(cluster.living()) == 3
    cluster.set_spec(kinds.REPLICATION_CONTROLLERS, "web", replicas=1)
    assert len(cluster.living()) == 1


def test_it_adopts_what_its_map_selects() -> None:
    cluster = Harness("replicationcontroller-controller")
    cluster.add(pod("stray").labelled(app="web"), controller(1))
    (only,) = cluster.living()
    reference = controller_of(only)
    assert name_of(only) == "stray"
    assert reference is not None
    assert reference["kind"] == "ReplicationController"
