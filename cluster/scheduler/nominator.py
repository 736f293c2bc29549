"""Which nodes are promised to which pods: preemption made room there and the pod is to come.

Models pkg/scheduler/backend/queue/nominator.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cluster.machinery.meta import key_of
from cluster.scheduler.cache import Cache, PodRecord
from cluster.scheduler.framework import Pending


class Nominator:
    """False when nothing is promised."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._promised: dict[str, tuple[str, PodRecord]] = {}

    def __bool__(self) -> bool:
        return bool(self._promised)

    def add(self, pod: Pending, node: str) -> None:
        """Promise the node; an empty name takes the promise back."""
        key = key_of(pod.obj)
        self._promised.pop(key, None)
        if node:
            uid = pod.obj["metadata"].get("uid", "")
            self._promised[key] = (node, PodRecord(key, uid, -1, pod.spec, pod.group))

    def remove(self, key: str) -> None:
        self._promised.pop(key, None)

    def at_least(self, pod: Pending) -> dict[int, list[PodRecord]]:
        """Promises to other pods that are no less important, by slot."""
        out: dict[int, list[PodRecord]] = {}
        if not self._promised:
            return out
        own = key_of(pod.obj)
        for node, record in self._promised.values():
            slot = self._cache.nodes.slots.get(node)
            if slot is None or record.key == own or record.spec.priority < pod.spec.priority:
                continue
            record.slot = slot
            out.setdefault(slot, []).append(record)
        return out

    def below(self, priority: int, node: str) -> list[str]:
        """Keys of less important pods to which the node is promised."""
        return [
            record.key
            for name, record in self._promised.values()
            if name == node and record.spec.priority < priority
        ]

    @contextmanager
    def counted_in(self, records: list[PodRecord]) -> Iterator[None]:
        """As if these pods were on their nodes already."""
        for record in records:
            self._cache.put_back(record)
        try:
            yield
        finally:
            for record in records:
                self._cache.take_out(record)
