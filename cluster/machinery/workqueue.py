"""A queue of dirty keys with timers and per-key back-off.

Models k8s.io/client-go/util/workqueue, without threads: the owner drains it. Keys leave in the
order in which they became dirty; a key is in the queue at most once.
"""

from __future__ import annotations

import heapq

BASE_DELAY = 0.005  # client-go's ItemExponentialFailureRateLimiter
MAX_DELAY = 1000.0


class WorkQueue:
    def __init__(self, base_delay: float = BASE_DELAY, max_delay: float = MAX_DELAY) -> None:
        self._dirty: dict[str, int] = {}  # key -> revision that made it dirty (0: none)
        self._timers: list[tuple[float, int, str, int]] = []
        self._drained: dict[str, int] = {}  # the last batch
        self._due: dict[str, float] = {}  # key -> its earliest pending timer
        self._failures: dict[str, int] = {}
        self._sequence = 0
        self._base_delay = base_delay
        self._max_delay = max_delay

    def __len__(self) -> int:
        return len(self._dirty)

    def add(self, key: str, cause: int = 0) -> None:
        """Mark `key` dirty; `cause` is the revision that did it."""
        if key not in self._dirty:
            self._dirty[key] = cause

    def add_at(self, key: str, moment: float) -> None:
        """Mark `key` dirty at `moment` (cluster time); an earlier pending timer wins. Its cause is
        what the key is being worked on for."""
        pending = self._due.get(key)
        if pending is not None and pending <= moment:
            return
        self._due[key] = moment
        self._sequence += 1
        cause = self._drained.get(key, 0)
        heapq.heappush(self._timers, (moment, self._sequence, key, cause))

    def retry(self, key: str, now: float) -> float:
        """Mark `key` dirty again after its back-off; returns the moment."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        moment = now + min(self._base_delay * 2 ** min(failures, 40), self._max_delay)
        self.add_at(key, moment)
        return moment

    def forget(self, key: str) -> None:
        """The key succeeded: its back-off starts anew."""
        self._failures.pop(key, None)

    def failures(self, key: str) -> int:
        return self._failures.get(key, 0)

    def next_deadline(self) -> float | None:
        """The earliest timer that still counts, or None."""
        while self._timers:
            moment, _, key, _ = self._timers[0]
            if self._due.get(key) == moment:
                return moment
            heapq.heappop(self._timers)
        return None

    def drain(self, now: float) -> list[tuple[str, int]]:
        """(key, cause) of what is dirty or due at `now`; keys added from now on wait their turn."""
        while (moment := self.next_deadline()) is not None and moment <= now:
            _, _, key, cause = heapq.heappop(self._timers)
            del self._due[key]
            self.add(key, cause)
        batch, self._dirty = self._dirty, {}
        self._drained = batch
        return list(batch.items())
