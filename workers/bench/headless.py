"""The whole control plane in one process on the in-memory store."""

from __future__ import annotations

from time import perf_counter, process_time

from cluster.client import kinds
from cluster.simulation import Shape, Simulation
from workers import garbage
from workers.bench.objects import deployment
from workers.bench.report import Figure


def rollout(pods: int, nodes: int = 100) -> list[Figure]:
    """A Deployment from create to all Ready, then deleted to the last pod."""
    simulation = Simulation(Shape(nodes=nodes))
    simulation.advance(60)
    garbage.tune()
    name = f"{pods} pods, {nodes} nodes, headless"
    return [
        Figure(f"{name}: up", pods / _up(simulation, pods), "pods/s"),
        Figure(f"{name}: down", pods / _down(simulation), "pods/s"),
    ]


def _up(simulation: Simulation, pods: int) -> float:
    client = simulation.client
    start = perf_counter()
    client.do_create(deployment("bench", pods))

    def ready() -> bool:
        found = client.get(kinds.DEPLOYMENTS, "default", "bench")
        return bool(found.get("status", {}).get("readyReplicas") == pods)

    if not simulation.run_until(ready, within=600):
        raise RuntimeError("the rollout did not finish in ten minutes of cluster time")
    return perf_counter() - start


def _down(simulation: Simulation) -> float:
    client = simulation.client
    start = perf_counter()
    client.do_delete(kinds.DEPLOYMENTS, "default", "bench")
    if not simulation.run_until(lambda: not client.list(kinds.PODS, "default"), within=600):
        raise RuntimeError("the pods did not go in ten minutes of cluster time")
    return perf_counter() - start


def node_loss() -> list[Figure]:
    """Three nodes, one dies: 40 s until it is Unknown, 300 s until its pods are evicted."""
    simulation = Simulation(Shape(nodes=3))
    simulation.client.do_create(deployment("web", 6))
    simulation.advance(60)
    fault = {
        "apiVersion": "orrery.sim/v1",
        "kind": "Fault",
        "metadata": {"name": "off"},
        "spec": {"type": "NodePowerOff", "target": {"kind": "Node", "names": ["minikube-m02"]}},
    }
    simulation.client.do_create(fault)
    start = process_time()
    simulation.advance(400)
    return [
        Figure("node lost, 400 s of cluster time, headless", (process_time() - start) * 1000, "ms")
    ]
