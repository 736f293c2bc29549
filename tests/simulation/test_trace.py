"""From any object back to the first cause, and from a cause forward to what it brought about."""

from __future__ import annotations

import pytest

from cluster.client import kinds
from cluster.machinery.errors import StatusError
from cluster.simulation import Shape, Simulation
from cluster.simulation.trace import Trace
from workers.bench.objects import deployment


@pytest.fixture
def simulation() -> Simulation:
    out = Simulation(Shape(nodes=3))
    out.client.do_create(deployment("web", 2))
    out.advance(30)
    return out


def test_a_pod_that_runs_leads_back_to_its_deployment(simulation: Simulation) -> None:
    trace = Trace(simulation.store)
    pod = simulation.client.list(kinds.PODS, "default")[0]["metadata"]["name"]
    chain = trace.back(trace.revision_of(kinds.PODS, "default", pod))
    said = [(link.component, link.verb, link.resource) for link in chain]
    assert said[0][1:] == ("changed", "pods")  # the kubelet's status
    assert ("kube-scheduler", "changed", "pods") in said
    assert ("replicaset-controller", "created", "pods") in said
    assert said[-1] == ("kubernetes-admin", "created", "deployments")
    assert [link.cause for link in chain[:-1]] == [link.revision for link in chain[1:]]


def test_a_deployment_leads_forward_to_its_pods(simulation: Simulation) -> None:
    trace = Trace(simulation.store)
    first = next(
        e for e in simulation.store.events(0)
        if e.key == kinds.DEPLOYMENTS.key("default", "web")
    )  # fmt: skip
    followed = trace.forward(first.revision)
    created = [link.resource for link in followed if link.verb == "created"]
    assert created.count("pods") == 2
    assert "replicasets" in created


def test_an_eviction_leads_back_to_the_fault(simulation: Simulation) -> None:
    pod = next(
        p for p in simulation.client.list(kinds.PODS, "default")
        if p["spec"]["nodeName"] != "minikube"
    )  # fmt: skip
    fault = {"type": "NodePowerOff", "target": {"kind": "Node", "names": [pod["spec"]["nodeName"]]}}
    simulation.client.do_create({
        "apiVersion": "orrery.sim/v1", "kind": "Fault", "metadata": {"name": "off"}, "spec": fault,
    })  # fmt: skip
    simulation.advance(400)
    trace = Trace(simulation.store)
    chain = trace.back(trace.revision_of(kinds.PODS, "default", pod["metadata"]["name"]))
    told = [link.resource for link in chain]
    assert "nodes" in told
    assert told[-1] == "faults"


def test_revisions_that_are_not_there(simulation: Simulation) -> None:
    trace = Trace(simulation.store)
    with pytest.raises(StatusError, match="not found"):
        trace.back(10**9)
    with pytest.raises(StatusError, match="not found"):
        trace.revision_of(kinds.PODS, "default", "ghost")
    latest = simulation.store.revision()
    simulation.store.compact(latest)
    with pytest.raises(StatusError, match="compacted"):
        trace.forward(latest - 10)
