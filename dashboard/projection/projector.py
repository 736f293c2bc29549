"""Which row depends on which object: changes of objects in, changed rows out.

Rows depend on nothing but objects, so after any changes the rows equal those of a fresh start.
Synchronous; owned by one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cluster.client import InformerEvent, Informers, Resource, kinds
from cluster.machinery.meta import Object, key_of, uid_of
from dashboard.projection import events, nodes, pods, services, workloads
from dashboard.projection.world import (
    Row,
    World,
    nodes_of_fault,
    pods_of_slice,
    services_of_slice,
)

Id = tuple[str, str]  # (table, key)

COLUMNS: dict[str, tuple[str, ...]] = {
    "clock": nodes.CLOCK_COLUMNS,
    "namespaces": nodes.NAMESPACE_COLUMNS,
    "nodes": nodes.COLUMNS,
    "pods": pods.COLUMNS,
    "workloads": workloads.COLUMNS,
    "services": services.COLUMNS,
    "events": events.COLUMNS,
}
_SOURCES: dict[str, tuple[Resource, Callable[[World, Object], Row | None]]] = {
    "clock": (kinds.CLOCKS, nodes.clock_row),
    "namespaces": (kinds.NAMESPACES, nodes.namespace_row),
    "nodes": (kinds.NODES, nodes.row),
    "pods": (kinds.PODS, pods.row),
    "services": (kinds.SERVICES, services.row),
    "events": (kinds.EVENTS, events.row),
    # Rows of the one table «workloads», whose keys begin with the kind.
    "Deployment": (kinds.DEPLOYMENTS, workloads.row),
    "ReplicaSet": (kinds.REPLICA_SETS, workloads.row),
    "DaemonSet": (kinds.DAEMON_SETS, workloads.row),
    "Job": (kinds.JOBS, workloads.row),
}


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows as they are at `revision` (None: gone). `epoch` changes when the store was restored."""

    epoch: int
    revision: int
    rows: dict[Id, Row | None]


class Projector:
    def __init__(self, informers: Informers, epoch: Callable[[], int]) -> None:
        self._informers = informers
        self._epoch = epoch
        self.world = World(informers)
        self._dirty: dict[Id, None] = {}
        self._held: dict[Id, Row] = {}
        self._window = events.Window(self.world[kinds.EVENTS])
        for resource, handler in self._handlers().items():
            informers[resource].add_handler(handler)

    def advance(self) -> Changes:
        """Catch up with the log and compute the rows that may have changed."""
        self._informers.sync()
        for key in self._window.turn():
            self._mark("events", key)
        dirty, self._dirty = self._dirty, {}
        changed: dict[Id, Row | None] = {}
        for each in dirty:
            row = self._compute(each)
            if row == self._held.get(each):
                continue
            if row is None:
                del self._held[each]
            else:
                self._held[each] = row
            changed[each] = row
        return Changes(self._epoch(), self._informers.revision, changed)

    def _compute(self, each: Id) -> Row | None:
        table, key = each
        if table == "workloads":
            kind, _, key = key.partition("/")
            table = kind
        source, function = _SOURCES[table]
        obj = self.world[source].get(key)
        if obj is None or (table == "events" and key not in self._window):
            return None
        return function(self.world, obj)

    def _mark(self, table: str, key: str) -> None:
        self._dirty[table, key] = None

    # ---- what a change of an object may change

    def _handlers(self) -> dict[Resource, Callable[[InformerEvent], None]]:
        return {
            kinds.CLOCKS: lambda e: self._mark("clock", e.key),
            kinds.NAMESPACES: lambda e: self._mark("namespaces", e.key),
            kinds.NODES: self._on_node,
            kinds.PODS: self._on_pod,
            kinds.LEASES: self._on_lease,
            kinds.FAULTS: self._on_fault,
            kinds.SERVICES: lambda e: self._mark("services", e.key),
            kinds.ENDPOINT_SLICES: self._on_slice,
            kinds.REPLICA_SETS: self._on_replica_set,
            kinds.DEPLOYMENTS: self._on_workload,
            kinds.DAEMON_SETS: self._on_workload,
            kinds.JOBS: self._on_workload,
            kinds.EVENTS: self._on_event,
        }

    def _on_pod(self, event: InformerEvent) -> None:
        self._mark("pods", event.key)
        for pod in (event.old, event.new):
            if pod is not None and (node := pod["spec"].get("nodeName")):
                self._mark("nodes", node)

    def _on_node(self, event: InformerEvent) -> None:
        self._mark("nodes", event.key)
        if _fate(event.old) != _fate(event.new):
            self._mark_pods_on(event.key)

    def _on_lease(self, event: InformerEvent) -> None:
        node = nodes.node_of_lease(event.obj)
        if node is not None:
            self._mark("nodes", node)
            self._mark_pods_on(node)

    def _mark_pods_on(self, node: str) -> None:
        for pod in self.world.pods.by_index("node", node):
            self._mark("pods", key_of(pod))

    def _on_fault(self, event: InformerEvent) -> None:
        for fault in (event.old, event.new):
            for node in nodes_of_fault(fault) if fault is not None else ():
                self._mark("nodes", node)

    def _on_slice(self, event: InformerEvent) -> None:
        listed: set[str] = set()
        for each in (event.old, event.new):
            if each is not None:
                listed ^= set(pods_of_slice(each))
                for service in services_of_slice(each):
                    self._mark("services", service)
        for pod in listed:
            self._mark("pods", pod)

    def _on_replica_set(self, event: InformerEvent) -> None:
        self._on_workload(event)
        if event.old is None or event.new is None:
            for pod in self.world.pods.by_index("controller", uid_of(event.obj)):
                self._mark("pods", key_of(pod))

    def _on_workload(self, event: InformerEvent) -> None:
        self._mark("workloads", f"{event.obj['kind']}/{event.key}")

    def _on_event(self, event: InformerEvent) -> None:
        self._window.feed(event)
        self._mark("events", event.key)


def _fate(node: Object | None) -> object:
    """What of a node its pods' rows depend on."""
    if node is None:
        return None
    return pods.is_lost(node), (node.get("spec") or {}).get("taints"), _heard(node)


def _heard(node: Object) -> object:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((c.get("status") for c in conditions if c.get("type") == "Ready"), None)
