"""Nodes: one card each, with what they hold and what is coming to them."""

from __future__ import annotations

from functools import lru_cache

from cluster.machinery import quantity
from cluster.machinery.meta import Object, condition, labels_of
from dashboard.projection import countdowns
from dashboard.projection.pods import eviction_at
from dashboard.projection.world import Row, World, seconds

COLUMNS = (
    "role", "ready", "reason", "cordoned", "power", "ip", "version", "zone", "created",
    "pods", "pods_max", "cpu", "cpu_max", "memory", "memory_max", "taints",
    "not_ready_at", "evict_at",
)  # fmt: skip
ROLE = "node-role.kubernetes.io/"


def row(world: World, node: Object) -> Row:
    name, status = node["metadata"]["name"], node.get("status") or {}
    spec = node.get("spec") or {}
    room = status.get("allocatable") or status.get("capacity") or {}
    pods = [p for p in world.pods.by_index("node", name) if not _finished(p)]
    ready = condition(status.get("conditions"), "Ready") or {}
    lost_at = countdowns.not_ready_at(node, world.lease(name))
    evictions = [m for p in pods if (m := eviction_at(world, p, node)) is not None]
    return [
        role(node),
        ready.get("status", "Unknown"),
        ready.get("reason", ""),
        bool(spec.get("unschedulable")),
        not world.faults.by_index("node", name),
        internal_ip(status),
        (status.get("nodeInfo") or {}).get("kubeletVersion", ""),
        labels_of(node).get("topology.kubernetes.io/zone", ""),
        seconds(node["metadata"].get("creationTimestamp")),
        len(pods),
        quantity.value(room.get("pods", 0)),
        sum(_cpu(p) for p in pods),
        quantity.milli(room.get("cpu", 0)),
        sum(_memory(p) for p in pods),
        quantity.value(room.get("memory", 0)) >> 20,
        [taint_text(t) for t in spec.get("taints") or ()],
        None if lost_at is None else int(lost_at),
        int(min(evictions)) if evictions else None,
    ]


def role(node: Object) -> str:
    """As kubectl's ROLES column."""
    found = {k.removeprefix(ROLE) for k in labels_of(node) if k.startswith(ROLE)}
    return ",".join(sorted(filter(None, found)))


def _finished(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def internal_ip(status: Object) -> str:
    for address in status.get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address.get("address", ""))
    return ""


def taint_text(taint: Object) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key', '')}{value}:{taint.get('effect', '')}"


@lru_cache(maxsize=4096)
def _milli(text: str) -> int:
    return quantity.milli(text)


@lru_cache(maxsize=4096)
def _mebibytes(text: str) -> int:
    return quantity.value(text) >> 20


def _requests(pod: Object, name: str) -> list[str]:
    found = []
    for container in pod["spec"].get("containers") or ():
        amount = ((container.get("resources") or {}).get("requests") or {}).get(name)
        if amount is not None:
            found.append(str(amount))
    return found


def _cpu(pod: Object) -> int:
    return sum(_milli(text) for text in _requests(pod, "cpu"))


def _memory(pod: Object) -> int:
    return sum(_mebibytes(text) for text in _requests(pod, "memory"))


def namespace_row(world: World, namespace: Object) -> Row:
    return [(namespace.get("status") or {}).get("phase", "Active")]


NAMESPACE_COLUMNS = ("phase",)


def clock_row(world: World, clock: Object) -> Row:
    spec = clock.get("spec") or {}
    return [float(spec.get("speed", 1)), bool(spec.get("paused"))]


CLOCK_COLUMNS = ("speed", "paused")


def node_of_lease(lease: Object) -> str | None:
    meta = lease["metadata"]
    return meta["name"] if meta.get("namespace") == "kube-node-lease" else None
