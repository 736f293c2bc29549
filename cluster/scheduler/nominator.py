"""Which nodes are promised to which pods: preemption made room there and the pod is to come.

A changed promise counts as a change of its node, so that what is remembered of the node is void.
Models pkg/scheduler/backend/queue/nominator.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from cluster.machinery.meta import key_of
from cluster.scheduler.cache import Cache, PodRecord
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.framework import Pending


class Nominator:
    """False when nothing is promised."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._node_of: dict[str, str] = {}
        self._promised: dict[str, dict[str, PodRecord]] = {}  # node -> pod -> record
        self._is_promised: Bools = np.zeros(0, np.bool_)  # by slot
        self._topology = -1

    def __bool__(self) -> bool:
        return bool(self._promised)

    def add(self, pod: Pending, node: str) -> None:
        """Promise the node; an empty name takes the promise back."""
        key = key_of(pod.obj)
        self.remove(key)
        if node:
            uid = pod.obj["metadata"].get("uid", "")
            self._node_of[key] = node
            record = PodRecord(key, uid, -1, pod.spec, pod.group)
            self._promised.setdefault(node, {})[key] = record
            self._changed(node)

    def remove(self, key: str) -> None:
        node = self._node_of.pop(key, None)
        if node is None:
            return
        del self._promised[node][key]
        if not self._promised[node]:
            del self._promised[node]
        self._changed(node)

    def _changed(self, node: str) -> None:
        nodes = self._cache.nodes
        slot = nodes.slots.get(node)
        if slot is None:
            return
        nodes.touch(slot)
        if slot < len(self._is_promised):
            self._is_promised[slot] = node in self._promised and nodes.valid[slot]

    def slots(self) -> Ints:
        """Of the promised nodes that exist."""
        nodes = self._cache.nodes
        if self._topology != nodes.topology_version or len(self._is_promised) != nodes.size:
            self._topology = nodes.topology_version
            self._is_promised = np.zeros(nodes.size, np.bool_)
            for node in self._promised:
                slot = nodes.slots.get(node)
                if slot is not None:
                    self._is_promised[slot] = nodes.valid[slot]
        return self._is_promised.nonzero()[0]

    def own_slot(self, pod: Pending) -> int:
        """The slot promised to the pod itself, or -1."""
        node = self._node_of.get(key_of(pod.obj), "") if self._node_of else ""
        return self._cache.nodes.slots.get(node, -1)

    def at(self, pod: Pending, slot: int) -> list[PodRecord]:
        """Other pods, no less important, to which the slot's node is promised."""
        promised = self._promised.get(self._cache.nodes.names[slot])
        if not promised:
            return []
        own = key_of(pod.obj)
        out = []
        for record in promised.values():
            if record.key != own and record.spec.priority >= pod.spec.priority:
                record.slot = slot
                out.append(record)
        return out

    def below(self, priority: int, node: str) -> list[str]:
        """Keys of less important pods to which the node is promised."""
        promised = self._promised.get(node, {})
        return [r.key for r in promised.values() if r.spec.priority < priority]

    @contextmanager
    def counted_in(self, records: list[PodRecord]) -> Iterator[None]:
        """As if these pods were on their nodes already; afterwards everything is as before."""
        nodes = self._cache.nodes
        before = [(r.slot, nodes.revision.item(r.slot)) for r in records]
        for record in records:
            self._cache.put_back(record)
        try:
            yield
        finally:
            for record in records:
                self._cache.take_out(record)
            for slot, revision in before:
                nodes.revision[slot] = revision
