"""The scheduler's picture of the cluster, true to the last event plus what it assumed.

      assume            the bound pod arrives
  (none) ----> assumed --------------------> bound --+
     ^            |                            |     | its labels change, it is being deleted
     +-- forget --+                            |<----+
     +------------------ deleted, finished ----+

Small records only: the objects themselves live in the informer. Models
pkg/scheduler/backend/cache.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.machinery.meta import Object, key_of
from cluster.scheduler.cache.groups import Labels, NamespaceLabels, PodGroups
from cluster.scheduler.cache.nodes import NodeTable
from cluster.scheduler.cache.spec import PodSpec, Specs

FINISHED = ("Succeeded", "Failed")


class PodRecord:
    """A pod on a node. `assumed`: we put it there and have not seen it there yet."""

    __slots__ = ("assumed", "generation", "group", "key", "slot", "spec", "uid")

    def __init__(
        self, key: str, uid: str, slot: int, spec: PodSpec, group: tuple[str, Labels, bool]
    ) -> None:
        self.key = key
        self.uid = uid
        self.slot = slot
        self.spec = spec
        self.group = group
        self.assumed = False
        self.generation = -1

    @property
    def terminating(self) -> bool:
        return self.group[2]


def group_key(pod: Object) -> tuple[str, Labels, bool]:
    meta = pod["metadata"]
    labels = meta.get("labels")
    return (
        meta.get("namespace", ""),
        tuple(sorted(labels.items())) if labels else (),
        "deletionTimestamp" in meta,
    )


class Cache:
    def __init__(self, namespace_labels: NamespaceLabels) -> None:
        self.nodes = NodeTable()
        self.groups = PodGroups(namespace_labels)
        self.specs = Specs()
        self.pods: dict[str, PodRecord] = {}
        self._priorities: dict[int, int] = {}  # how many pods on nodes have each
        self._on_slot: dict[int, dict[str, PodRecord]] = {}

    # ---- pods

    def pods_on(self, slot: int) -> Iterator[PodRecord]:
        return iter(self._on_slot.get(slot, {}).values())

    def any_below(self, priority: int) -> bool:
        """Whether any pod on a node is less important."""
        return any(p < priority for p in self._priorities)

    def assume(self, pod: Object, spec: PodSpec, slot: int) -> PodRecord:
        """Act as if the pod were bound to the node already."""
        meta = pod["metadata"]
        record = PodRecord(key_of(pod), meta["uid"], slot, spec, group_key(pod))
        record.assumed = True
        self._insert(record)
        return record

    def forget(self, record: PodRecord) -> bool:
        """The binding failed. False when the pod has been seen bound or deleted meanwhile."""
        if self.pods.get(record.key) is not record or not record.assumed:
            return False
        self.remove(record)
        return True

    def is_current(self, pod: Object) -> bool:
        """Whether nothing the scheduler cares for differs from its record; the usual answer, as
        most events of a bound pod are about its status."""
        meta = pod["metadata"]
        record = self.pods.get(f"{meta['namespace']}/{meta['name']}")
        return (
            record is not None
            and not record.assumed
            and record.uid == meta["uid"]
            and record.generation == meta.get("generation", 0) > 0
            and record.group[2] == ("deletionTimestamp" in meta)
            and len(record.group[1]) == len(meta.get("labels") or ())
            and record.group == group_key(pod)
        )

    def confirm(self, pod: Object) -> bool:
        """The pod has arrived where it was assumed to be; False when it was not assumed so."""
        meta = pod["metadata"]
        record = self.pods.get(f"{meta['namespace']}/{meta['name']}")
        if (
            record is None
            or not record.assumed
            or record.uid != meta["uid"]
            or self.nodes.names[record.slot] != pod["spec"]["nodeName"]
            or record.group != group_key(pod)
        ):
            return False
        record.assumed = False
        record.generation = meta.get("generation", 0)
        return True

    def set_pod(self, pod: Object) -> PodRecord:
        """Add or update a bound pod."""
        key = key_of(pod)
        spec, _ = self.specs.of(pod)
        slot = self.nodes.slot_of(pod["spec"]["nodeName"])
        group = group_key(pod)
        record = self.pods.get(key)
        same_place = record is not None and record.uid == pod["metadata"]["uid"]
        if record is None or not same_place or record.slot != slot or record.spec is not spec:
            if record is not None:
                self.remove(record)
                slot = self.nodes.slot_of(pod["spec"]["nodeName"])
            record = PodRecord(key, pod["metadata"]["uid"], slot, spec, group)
            self._insert(record)
        elif record.group != group:
            self.groups.change(record.group, slot, -1)
            record.group = self.groups.change(group, slot, 1)
            self.nodes.touch(slot)
        record.assumed = False
        record.generation = pod["metadata"].get("generation", 0)
        return record

    def _insert(self, record: PodRecord) -> None:
        self.pods[record.key] = record
        self._on_slot.setdefault(record.slot, {})[record.key] = record
        priority = record.spec.priority
        self._priorities[priority] = self._priorities.get(priority, 0) + 1
        self.put_back(record)

    def remove(self, record: PodRecord) -> None:
        del self.pods[record.key]
        left = self._priorities[record.spec.priority] - 1
        if left:
            self._priorities[record.spec.priority] = left
        else:
            del self._priorities[record.spec.priority]
        on_slot = self._on_slot[record.slot]
        del on_slot[record.key]
        if not on_slot:
            del self._on_slot[record.slot]
        self.take_out(record)

    # ---- what counts, for what-if questions too

    def put_back(self, record: PodRecord) -> None:
        """Count the pod in."""
        record.group = self.groups.change(record.group, record.slot, 1)
        if record.spec.has_terms:
            self.groups.change_terms(record.spec, record.slot, 1)
        self.nodes.add_pod(record.slot, record.spec)

    def take_out(self, record: PodRecord) -> None:
        """Count the pod out, without forgetting it."""
        self.groups.change(record.group, record.slot, -1)
        if record.spec.has_terms:
            self.groups.change_terms(record.spec, record.slot, -1)
        self.nodes.add_pod(record.slot, record.spec, -1)


def occupies(pod: Object) -> bool:
    """Whether the pod takes up room on its node: bound and not finished."""
    if not pod["spec"].get("nodeName"):
        return False
    return (pod.get("status") or {}).get("phase") not in FINISHED
