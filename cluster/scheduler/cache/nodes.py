"""Columns over nodes: capacity, what is requested, labels, taints, images, ports.

A node has a slot as long as it exists or pods are bound to it; `valid` says whether it exists. A
slot without either is given to the next node. Every change of a Node object is in `node_log`,
every change of what runs on a node in `pod_log`, so that caches over slots can catch up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from cluster.machinery.meta import Object, labels_of, name_of
from cluster.scheduler.cache import terms
from cluster.scheduler.cache.changes import ChangeLog
from cluster.scheduler.cache.columns import (
    Bools,
    InternedColumn,
    Ints,
    LabelColumns,
    resized,
)
from cluster.scheduler.cache.ports import PortMap
from cluster.scheduler.cache.resources import CPU, MEMORY, STORAGE, Amounts, amounts
from cluster.scheduler.cache.spec import PodSpec

_COLUMNS = ("valid", "unschedulable", "pods", "max_pods", "scored_cpu", "scored_memory", "revision")


class NodeTable:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.objects: list[Object | None] = []
        self.slots: dict[str, int] = {}
        self.count = 0  # of nodes that exist
        self._free: list[int] = []
        self.valid: Bools = np.zeros(0, dtype=np.bool_)
        self.unschedulable: Bools = np.zeros(0, dtype=np.bool_)
        self.pods: Ints = np.zeros(0, dtype=np.int64)
        self.max_pods: Ints = np.zeros(0, dtype=np.int64)
        self.scored_cpu: Ints = np.zeros(0, dtype=np.int64)
        self.scored_memory: Ints = np.zeros(0, dtype=np.int64)
        self.revision: Ints = np.zeros(0, dtype=np.int64)  # counts the slot's changes
        self.allocatable: dict[str, Ints] = {}
        self.requested: dict[str, Ints] = {}
        for resource in (CPU, MEMORY, STORAGE):
            self._add_resource(resource)
        self.taints: InternedColumn[tuple[terms.Taint, ...]] = InternedColumn(0)
        self.labels = LabelColumns()
        self.images: dict[str, Ints] = {}
        self.images_version = 0
        self.ports = PortMap()
        self.node_log: ChangeLog[int] = ChangeLog()
        self.pod_log: ChangeLog[int] = ChangeLog()
        self.topology_version = 0  # of validity, labels and taints of all nodes

    # ---- slots

    @property
    def size(self) -> int:
        """How many slots there are; every column is at least that long, and so after `trim`."""
        return len(self.names)

    def trim(self) -> None:
        """Make every column exactly `size` long; called before anything is computed."""
        if len(self.valid) != self.size:
            self._resize(self.size)

    def slot_of(self, name: str) -> int:
        """The slot of a node that may not exist (yet)."""
        found = self.slots.get(name)
        if found is not None:
            return found
        if self._free:
            slot = self._free.pop()
            self.names[slot] = name
        else:
            slot = len(self.names)
            self.names.append(name)
            self.objects.append(None)
            if slot >= len(self.valid):
                self._resize(max(64, 2 * slot))
        self.slots[name] = slot
        return slot

    def _release(self, slot: int) -> None:
        if not self.valid[slot] and not self.pods[slot]:
            self.slots.pop(self.names[slot], None)
            self.names[slot] = ""
            self._free.append(slot)

    def _resize(self, size: int) -> None:
        for name in _COLUMNS:
            setattr(self, name, resized(getattr(self, name), size))
        for columns in (self.allocatable, self.requested, self.images):
            for key, column in columns.items():
                columns[key] = cast(Ints, resized(column, size))
        self.taints.resize(size)
        self.labels.resize(size)
        self.topology_version += 1

    def _add_resource(self, resource: str) -> None:
        self.allocatable[resource] = np.zeros(len(self.valid), dtype=np.int64)
        self.requested[resource] = np.zeros(len(self.valid), dtype=np.int64)

    # ---- nodes

    def set_node(self, node: Object) -> int:
        """Add or update; returns the slot."""
        slot = self.slot_of(name_of(node))
        old = self.objects[slot] if self.valid[slot] else None
        self.objects[slot] = node
        if old is None:
            self.valid[slot] = True
            self.count += 1
            self.topology_version += 1
        self._set_capacity(slot, node)
        self._set_topology(slot, node, old)
        self._set_images(slot, node, old)
        self.revision[slot] += 1
        self.node_log.append(slot)
        return slot

    def _set_capacity(self, slot: int, node: Object) -> None:
        have = amounts((node.get("status") or {}).get("allocatable"))
        self.max_pods[slot] = have.pop("pods", 0)
        for resource in have:
            if resource not in self.allocatable:
                self._add_resource(resource)
        for resource, column in self.allocatable.items():
            column[slot] = have.get(resource, 0)

    def _set_topology(self, slot: int, node: Object, old: Object | None) -> None:
        spec = node.get("spec") or {}
        self.unschedulable[slot] = bool(spec.get("unschedulable"))
        changed = self.taints.set(slot, terms.taints(spec.get("taints")) or None)
        if old is None or labels_of(node) != labels_of(old):
            self.labels.update(slot, labels_of(node))
            changed = True
        self.topology_version += changed

    def _set_images(self, slot: int, node: Object, old: Object | None) -> None:
        new = (node.get("status") or {}).get("images")
        if old is not None and new == (old.get("status") or {}).get("images"):
            return
        sizes = image_sizes(node)
        for name, column in self.images.items():
            column[slot] = sizes.get(name, 0)
        self.images_version += 1

    def remove_node(self, name: str) -> int | None:
        slot = self.slots.get(name)
        if slot is None or not self.valid[slot]:
            return None
        self.valid[slot] = False
        self.objects[slot] = None
        self.count -= 1
        self.topology_version += 1
        self.images_version += 1
        self.labels.update(slot, {})
        self.taints.set(slot, None)
        for column in (*self.allocatable.values(), *self.images.values()):
            column[slot] = 0
        self.revision[slot] += 1
        self.node_log.append(slot)
        self._release(slot)
        return slot

    # ---- pods

    def add_pod(self, slot: int, spec: PodSpec, sign: int = 1) -> None:
        """Count a pod in (or, with -1, out)."""
        for resource, amount in spec.requests.items():
            column = self.requested.get(resource)
            if column is None:
                self._add_resource(resource)
                column = self.requested[resource]
            column[slot] += sign * amount
        self.pods[slot] += sign
        scored: Amounts = spec.scored_requests
        self.scored_cpu[slot] += sign * scored[CPU]
        self.scored_memory[slot] += sign * scored[MEMORY]
        if spec.ports:
            self.ports.change(slot, spec.ports, sign)
        self.revision[slot] += 1
        self.pod_log.append(slot)
        if sign < 0:
            self._release(slot)

    def touch(self, slot: int) -> None:
        """Something about the slot's pods changed that no column shows."""
        self.revision[slot] += 1
        self.pod_log.append(slot)

    # ---- reading

    def label_column(self, key: str) -> InternedColumn[str]:
        return self.labels.column(key, len(self.valid), self.labels_at)

    def labels_at(self, slot: int) -> Mapping[str, str]:
        node = self.objects[slot] if slot < len(self.objects) else None
        return labels_of(node) if node is not None else {}

    def image_column(self, image: str) -> Ints:
        """Size in bytes of an image where it is present."""
        found = self.images.get(image)
        if found is None:
            found = np.zeros(len(self.valid), dtype=np.int64)
            for slot, node in enumerate(self.objects):
                if node is not None:
                    found[slot] = image_sizes(node).get(image, 0)
            self.images[image] = found
        return found


def image_sizes(node: Object) -> dict[str, int]:
    out: dict[str, int] = {}
    for image in (node.get("status") or {}).get("images") or ():
        for name in image.get("names") or ():
            out[name] = int(image.get("sizeBytes") or 0)
    return out
