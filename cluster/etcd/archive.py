"""What a driver offers besides the store's everyday contract: all of it at once, and its care.

For snapshots, restoring, quotas and defragmentation. Every driver of `api.Store` is one of these
too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from cluster.etcd.api import Event, KeyValue, Store


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    id: int
    ttl: int


@dataclass(frozen=True, slots=True)
class Dump:
    """Everything at one revision. `events` reads the whole log that is left, in order, with what
    survived compaction; as often as one likes while the dump is open."""

    revision: int
    compacted: int
    leases: Sequence[LeaseTerms]
    events: Callable[[], Iterator[Event]]


@dataclass(frozen=True, slots=True)
class Content:
    """What a store is to hold after a restore: living keys as they were."""

    revision: int
    kvs: Sequence[KeyValue]
    leases: Sequence[LeaseTerms]


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes on disk, and how many of them hold something."""

    total: int
    used: int


class Archive(Store, Protocol):
    def dump(self) -> AbstractContextManager[Dump]: ...

    def restore(self, content: Content, now: float) -> int:
        """Replace everything outside alarms.OWN_PREFIX. The revision goes on behind all that ever
        was (etcdutl's --bump-revision and --mark-compacted), the epoch is raised, all fences are
        void and leases start anew. Returns the new revision."""
        ...

    def size(self) -> Size: ...

    def defragment(self) -> None:
        """Give back what is not used."""
        ...

    def alarms(self) -> int:
        """Bits of cluster.etcd.alarms."""
        ...

    def set_alarms(self, alarms: int) -> None:
        """While NOSPACE is raised, nothing is put."""
        ...


def placed(kvs: Iterable[KeyValue]) -> Iterator[tuple[KeyValue, int]]:
    """Each with its `sub`: keys that were put at one revision share it."""
    next_sub: dict[int, int] = {}
    for kv in kvs:
        sub = next_sub.get(kv.mod_revision, 0)
        next_sub[kv.mod_revision] = sub + 1
        yield kv, sub
