"""Pods that wait to be scheduled.

                   +--------------------------------- pop ---------------> attempt
                   |                                                          |
    new --> active +<--- its back-off is over, or nothing else is active      | failed
     |             ^                  |                                       |
     | PreEnqueue  |               backing off <--- an event may help, but ---+  it just failed
     v             |                  ^                                       v
    gated -----> (gates gone)         +---- an event may help --------- unschedulable

An unschedulable pod is tried again when something happened that, by the hint of a plugin that
rejected it, may help; at the latest after five minutes. Models pkg/scheduler/backend/queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TYPE_CHECKING

from cluster.scheduler.cache import PodSpec
from cluster.scheduler.framework import Action, ClusterEvent, Happening, On, Pending
from cluster.scheduler.verdict import Told

if TYPE_CHECKING:
    from cluster.scheduler.decisions import Decision

LONGEST_WAIT = 300.0  # Models podMaxInUnschedulablePodsDuration
EMPTY: frozenset[str] = frozenset()
NO_NODES = frozenset({"no nodes"})  # what stood in the way when there was no node at all


class Place(Enum):
    ACTIVE = "active"
    BACKOFF = "backing off"
    UNSCHEDULABLE = "unschedulable"
    GATED = "gated"
    TAKEN = "being attempted"
    GONE = "gone"


class Entry:
    """One waiting pod. `rejected_by` are the plugins that stood in its way at the last attempt;
    none means that it failed by an error."""

    __slots__ = (
        "alike",
        "attempts",
        "cause",
        "errors",
        "history",
        "key",
        "pending",
        "pinned",
        "place",
        "rejected_by",
        "retry_at",
        "since",
        "spec",
        "token",
        "told",
        "uid",
    )  # fmt: skip

    def __init__(self, key: str, uid: str, spec: PodSpec, pinned: str, cause: int) -> None:
        self.key = key
        self.uid = uid
        self.spec = spec
        self.pinned = pinned
        self.cause = cause
        self.attempts = 0
        self.history: list[Decision] = []  # the last attempts, oldest first
        self.errors = 0
        self.rejected_by: frozenset[str] = EMPTY
        self.retry_at = 0.0  # the end of its back-off
        self.since = 0.0  # when it last came into the queue
        self.place = Place.GONE
        self.token = 0  # tells its live heap item from stale ones
        self.told = Told()
        self.pending: Pending | None = None  # as it was when it failed, for hints
        self.alike: object = None  # unschedulable pods with the same one get the same hints


SortKey = Callable[[Entry], tuple[float, ...]]
EventsOf = Callable[[Entry], dict[str, list[ClusterEvent]]]


class SchedulingQueue:
    def __init__(
        self, sort_key: SortKey, events: EventsOf, initial_backoff: float, max_backoff: float
    ) -> None:
        self._sort_key = sort_key
        self._events = events
        self._initial = initial_backoff
        self._longest = max_backoff
        self._entries: dict[str, Entry] = {}
        self._active: list[tuple[tuple[float, ...], int, Entry]] = []
        self._backoff: list[tuple[float, int, Entry]] = []
        # Unschedulable pods that are alike, so that a hint is asked once for all of them.
        self._pool: dict[object, dict[str, Entry]] = {}
        self._limits: list[tuple[float, int, Entry]] = []
        self._sequence = 0

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    # ---- in

    def add(self, entry: Entry, now: float) -> None:
        """A new pod, or one whose gates have gone."""
        entry.since = now
        self._entries[entry.key] = entry
        self._activate(entry)

    def add_gated(self, entry: Entry, now: float) -> None:
        entry.since = now
        self._entries[entry.key] = entry
        self._move(entry, Place.GATED)

    def add_unschedulable(self, entry: Entry, rejected_by: frozenset[str], now: float) -> None:
        """No node fits. Nothing is done before an event that may help."""
        entry.rejected_by = rejected_by
        entry.errors = 0
        entry.since = now
        entry.retry_at = now + self._delay(entry.attempts)
        self._entries[entry.key] = entry
        self._move(entry, Place.UNSCHEDULABLE)
        labels = entry.pending.group if entry.pending is not None else ()
        entry.alike = (entry.spec.id, entry.pinned, labels, rejected_by)
        self._pool.setdefault(entry.alike, {})[entry.key] = entry
        heapq.heappush(self._limits, (now + LONGEST_WAIT, entry.token, entry))

    def add_failed(self, entry: Entry, now: float) -> None:
        """It failed by an error (a binding that was refused): again after a back-off."""
        entry.rejected_by = EMPTY
        entry.errors += 1
        entry.since = now
        entry.retry_at = now + self._delay(entry.errors)
        self._entries[entry.key] = entry
        self._to_backoff(entry)

    def _delay(self, attempts: int) -> float:
        if attempts <= 0:
            return 0.0
        return min(self._initial * 2.0 ** min(attempts - 1, 30), self._longest)

    def _activate(self, entry: Entry) -> None:
        self._move(entry, Place.ACTIVE)
        heapq.heappush(self._active, (self._sort_key(entry), entry.token, entry))

    def _to_backoff(self, entry: Entry) -> None:
        self._move(entry, Place.BACKOFF)
        heapq.heappush(self._backoff, (entry.retry_at, entry.token, entry))

    def _move(self, entry: Entry, place: Place) -> None:
        if entry.place is Place.UNSCHEDULABLE:
            pool = self._pool.get(entry.alike)
            if pool is not None:
                pool.pop(entry.key, None)
                if not pool:
                    del self._pool[entry.alike]
        self._sequence += 1
        entry.token = self._sequence
        entry.place = place

    # ---- out

    def pop(self, now: float) -> Entry | None:
        """The next pod to try. With nothing active, one that backs off is taken early, unless it
        failed by an error (upstream's SchedulerPopFromBackoffQ)."""
        self.flush(now)
        while self._active:
            _, token, entry = heapq.heappop(self._active)
            if entry.token == token:
                return self._take(entry)
        return self._pop_early()

    def _pop_early(self) -> Entry | None:
        kept = []
        found = None
        while self._backoff:
            item = heapq.heappop(self._backoff)
            _, token, entry = item
            if entry.token != token:
                continue
            if entry.rejected_by:
                found = self._take(entry)
                break
            kept.append(item)
        for item in kept:
            heapq.heappush(self._backoff, item)
        return found

    def _take(self, entry: Entry) -> Entry:
        self._move(entry, Place.TAKEN)
        entry.attempts += 1
        return entry

    def delete(self, key: str) -> Entry | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._move(entry, Place.GONE)
        return entry

    # ---- time

    def flush(self, now: float) -> None:
        """Back-offs that are over, and pods that waited long enough for an event."""
        while self._backoff and self._backoff[0][0] <= now:
            _, token, entry = heapq.heappop(self._backoff)
            if entry.token == token:
                self._activate(entry)
        while self._limits and self._limits[0][0] <= now:
            _, token, entry = heapq.heappop(self._limits)
            if entry.token == token:
                self._activate(entry)

    def next_deadline(self) -> float | None:
        moments = []
        for heap in (self._backoff, self._limits):
            while heap and heap[0][2].token != heap[0][1]:
                heapq.heappop(heap)
            if heap:
                moments.append(heap[0][0])
        return min(moments, default=None)

    # ---- events

    @property
    def any_unschedulable(self) -> bool:
        return bool(self._pool)

    def happened(self, happening: Happening, now: float) -> int:
        """Move the pods that `happening` may help; returns how many."""
        moved = 0
        for pool in list(self._pool.values()):
            sample = next(iter(pool.values()))
            if self.worth_trying(sample, happening):
                for entry in list(pool.values()):
                    self.requeue(entry, now)
                    moved += 1
        return moved

    def worth_trying(self, entry: Entry, happening: Happening) -> bool:
        if entry.pending is None:
            return True
        if entry.rejected_by is NO_NODES:
            return happening.on is On.NODE and happening.action is Action.ADD
        events = self._events(entry)
        return any(
            event.matches(happening) and event.hint(entry.pending, happening)
            for name in sorted(entry.rejected_by)
            for event in events.get(name, ())
        )

    def requeue(self, entry: Entry, now: float) -> None:
        """Out of the unschedulable pool: at once, or when its back-off is over."""
        if entry.retry_at > now:
            self._to_backoff(entry)
        else:
            self._activate(entry)

    def activate(self, key: str) -> None:
        """Try it next, whatever it waits for (a pod whose nomination was taken back)."""
        entry = self._entries.get(key)
        if entry is not None and entry.place in (Place.UNSCHEDULABLE, Place.BACKOFF):
            self._activate(entry)
