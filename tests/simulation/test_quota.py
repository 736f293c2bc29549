"""A quota among controllers: what does not fit is refused, said once, and tried again later."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object, condition
from cluster.simulation import Shape, Simulation

HARD = {"pods": "3", "count/deployments.apps": "1"}


def quota() -> Object:
    meta = {"name": "q", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": HARD}}


def deployment(replicas: int) -> Object:
    labels = {"app": "web"}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]},
        },
    }
    meta = {"name": "web", "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def test_a_deployment_grows_as_far_as_its_quota_and_keeps_calm() -> None:
    simulation = Simulation(Shape(nodes=2))
    simulation.advance(30)
    client = simulation.client
    made = client.do_create(quota())
    simulation.advance(5)
    if not client.get(kinds.RESOURCE_QUOTAS, "default", "q").get("status", {}).get("hard"):
        status = {"hard": HARD, "used": dict.fromkeys(HARD, "0")}  # nobody recounts yet
        client.do_update({**made, "status": status}, subresource="status")
    client.do_create(deployment(5))
    simulation.advance(20)
    assert len(client.list(kinds.PODS, "default")) == 3
    (found,) = client.list(kinds.REPLICA_SETS, "default")
    refused = condition(found["status"]["conditions"], "ReplicaFailure")
    assert refused is not None and refused["reason"] == "FailedCreate"
    assert (
        "exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3" in refused["message"]
    )
    before = simulation.registry.store.revision()
    simulation.advance(300)
    assert simulation.registry.store.revision() - before < 150
    used = client.get(kinds.RESOURCE_QUOTAS, "default", "q")["status"]["used"]
    assert used == {"pods": "3", "count/deployments.apps": "1"}
