"""Informers share the very objects that writers made; nobody may change one afterwards."""

from __future__ import annotations

from cluster.client import kinds
from cluster.simulation import Shape, Simulation
from workers.bench.objects import deployment


def test_every_cache_holds_what_the_store_holds() -> None:
    simulation = Simulation(Shape(nodes=4))
    client = simulation.client
    client.do_create(deployment("web", 12))
    simulation.advance(30)
    client.do_patch(
        kinds.DEPLOYMENTS,
        "default",
        "web",
        lambda old: {**old, "spec": {**old["spec"], "replicas": 5, "minReadySeconds": 3}},
    )
    node = client.get(kinds.NODES, "", "minikube-m02")
    client.do_update({**node, "spec": {**node["spec"], "unschedulable": True}})
    simulation.advance(60)
    client.do_delete(kinds.DEPLOYMENTS, "default", "web")
    simulation.advance(60)
    followed = sorted(simulation.informers.resources, key=lambda r: r.plural)
    assert kinds.PODS in followed
    assert not [r for r in followed if r.transient]
    for resource in followed:
        stored = simulation.registry.list_all(resource)
        cached = simulation.informers.lister(resource).list()
        assert sorted(cached, key=_name) == sorted(stored, key=_name), resource.plural


def _name(obj: dict) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
