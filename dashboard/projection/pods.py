"""Pods: one tile each."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object, condition, controller_of, key_of
from dashboard.projection import countdowns
from dashboard.projection.podstate import summarise
from dashboard.projection.world import Row, World, seconds, services_of_slice

COLUMNS = (
    "node", "state", "status", "ready", "containers", "restarts", "ip", "created",
    "gone_at", "evict_at", "restart_at", "owner", "services", "why",
)  # fmt: skip
STUCK = "Its node is silent: nobody confirms that the containers have ended."


def row(world: World, pod: Object) -> Row:
    node_name = pod["spec"].get("nodeName") or ""
    node = world.nodes.get(node_name) if node_name else None
    summary = summarise(pod, node_lost=node is not None and is_lost(node))
    silent = node is not None and is_silent(world, node)
    status = pod.get("status") or {}
    return [
        node_name,
        summary.state,
        summary.status,
        summary.ready,
        summary.containers,
        summary.restarts,
        status.get("podIP", ""),
        seconds(pod["metadata"].get("creationTimestamp")),
        None if silent else _whole(countdowns.gone_at(pod)),
        _whole(eviction_at(world, pod, node)),
        None if silent else _whole(countdowns.restart_at(pod)),
        owner(world, pod),
        _services(world, key_of(pod)),
        STUCK if silent and summary.state == "term" else why_not_running(status),
    ]


def is_lost(node: Object) -> bool:
    ready = condition((node.get("status") or {}).get("conditions"), "Ready")
    return ready is not None and ready.get("status") == "Unknown"


def is_silent(world: World, node: Object) -> bool:
    """Nobody runs its kubelet, whether the control plane knows it yet or not."""
    lease = world.lease(node["metadata"]["name"])
    return is_lost(node) or countdowns.not_ready_at(node, lease) is not None


def eviction_at(world: World, pod: Object, node: Object | None) -> float | None:
    """From the node's taints, or from the taint that its silence will bring."""
    if node is None or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return None
    taints = (node.get("spec") or {}).get("taints") or ()
    known = countdowns.eviction_at(pod, taints)
    if known is not None:
        return known
    lost_at = countdowns.not_ready_at(node, world.lease(node["metadata"]["name"]))
    return None if lost_at is None else countdowns.expected_eviction_at(pod, lost_at)


def owner(world: World, pod: Object) -> str:
    """`Kind/name` of the workload a person made: a ReplicaSet's Deployment, not the ReplicaSet."""
    ref = controller_of(pod)
    if ref is None:
        return ""
    if ref["kind"] == "ReplicaSet":
        namespace = pod["metadata"]["namespace"]
        found = world[kinds.REPLICA_SETS].get(f"{namespace}/{ref['name']}")
        above = controller_of(found) if found else None
        ref = above or ref
    return f"{ref['kind']}/{ref['name']}"


def _services(world: World, key: str) -> list[str]:
    """Names of the services that list the pod as an endpoint (same namespace as the pod)."""
    names: set[str] = set()
    for each in world.slices.by_index("pod", key):
        names.update(s.partition("/")[2] for s in services_of_slice(each))
    return sorted(names)


def why_not_running(status: Object) -> str:
    """The sentence that explains a pod which is not running."""
    for found in (status.get("conditions")) or ():
        if found.get("type") == "PodScheduled" and found.get("status") == "False":
            return str(found.get("message", ""))
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("message"):
            return str(waiting["message"])
    return str(status.get("message", ""))


def _whole(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
