"""Short builders for the objects these tests apply."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, is_true
from cluster.simulation import Simulation

PAUSE = "registry.k8s.io/pause:3.10"


def deployment(name: str, replicas: int, image: str = PAUSE, **spec: Any) -> Object:
    labels = {"app": name}
    container = {"name": "main", "image": image}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def service(name: str, port: int = 80) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }


def power_off(*nodes: str) -> Object:
    return {
        "apiVersion": "orrery.sim/v1",
        "kind": "Fault",
        "metadata": {"name": "power-off"},
        "spec": {"type": "NodePowerOff", "target": {"kind": "Node", "names": list(nodes)}},
    }


def pods(simulation: Simulation, app: str = "", namespace: str = "default") -> list[Object]:
    found = simulation.client.list(kinds.PODS, namespace)
    return [p for p in found if not app or p["metadata"].get("labels", {}).get("app") == app]


def is_ready(pod: Object) -> bool:
    return is_true(pod.get("status", {}).get("conditions"), "Ready")


def ready(simulation: Simulation, app: str) -> list[Object]:
    return [
        p for p in pods(simulation, app) if is_ready(p) and "deletionTimestamp" not in p["metadata"]
    ]


def events(simulation: Simulation, reason: str) -> list[Object]:
    return [e for e in simulation.client.list(kinds.EVENTS) if e["reason"] == reason]
