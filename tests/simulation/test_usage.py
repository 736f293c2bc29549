"""What `kubectl top` reads, and what a new cluster has besides its pods."""

from __future__ import annotations

from cluster.apiserver.authn import Authenticator
from cluster.apiserver.http import ApiServer, usage
from cluster.client import kinds
from cluster.machinery import quantity
from cluster.simulation import Shape, Simulation


def test_running_pods_and_ready_nodes_have_plausible_usage() -> None:
    simulation = Simulation(Shape(nodes=2))
    simulation.advance(60)
    server = ApiServer(simulation.registry, Authenticator())
    try:
        pods = usage.pods(server, "kube-system")
        nodes = usage.nodes(server, "")
        again = usage.pods(server, "kube-system")
    finally:
        server.close()
    assert pods == again
    assert {p["metadata"]["namespace"] for p in pods} == {"kube-system"}
    assert all(quantity.milli(c["usage"]["cpu"]) > 0 for p in pods for c in p["containers"])
    assert [n["metadata"]["name"] for n in nodes] == ["minikube", "minikube-m02"]
    assert all(0 < quantity.value(n["usage"]["memory"]) < 16 * 2**30 for n in nodes)


def test_a_new_cluster_has_upstreams_default_objects() -> None:
    simulation = Simulation(Shape(nodes=1))
    names = {
        resource.id: [o["metadata"]["name"] for o in simulation.registry.list_all(resource)]
        for resource in (
            kinds.STORAGE_CLASSES,
            kinds.PRIORITY_CLASSES,
            kinds.SERVICE_CIDRS,
            kinds.API_SERVICES,
            kinds.FLOW_SCHEMAS,
        )
    }
    assert names["storageclasses.storage.k8s.io"] == ["standard"]
    critical = ["system-cluster-critical", "system-node-critical"]
    assert names["priorityclasses.scheduling.k8s.io"] == critical
    assert names["servicecidrs.networking.k8s.io"] == ["kubernetes"]
    assert "v1.apps" in names["apiservices.apiregistration.k8s.io"]
    assert len(names["flowschemas.flowcontrol.apiserver.k8s.io"]) == 13
