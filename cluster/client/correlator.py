"""Which events are written: repeats are counted, floods are combined, then dropped.

    aggregate: from the 10th different message of one reason about one object within ten minutes
               on, all share one Event, "(combined from similar events): ..."
    count:     the same event again raises the first one's count
    filter:    one source may write 25 events about one object, then one in five minutes

Models k8s.io/client-go/tools/record/events_cache.go.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

CACHE = 4096  # maxLruCacheEntries
MAX_SIMILAR = 10  # defaultAggregateMaxEvents
INTERVAL = 600.0  # defaultAggregateIntervalInSeconds
BURST = 25  # defaultSpamBurst
REFILL = 1 / 300.0  # defaultSpamQPS
COMBINED = "(combined from similar events): "

Key = tuple[str, ...]
T = TypeVar("T")


@dataclass(slots=True)
class Written:
    """The Event that stands for one key; nameless until it has been created."""

    namespace: str = ""
    name: str = ""
    count: int = 0


@dataclass(slots=True)
class _Similar:
    last: float
    messages: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    last: float

    def take(self, now: float) -> bool:
        self.tokens = min(BURST, self.tokens + (now - self.last) * REFILL)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class _Cache(Generic[T]):
    """The least recently used entry makes room."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, T] = OrderedDict()

    def get(self, key: Key) -> T | None:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def add(self, key: Key, new: T) -> T:
        self._entries[key] = new
        if len(self._entries) > CACHE:
            self._entries.popitem(last=False)
        return new


class Correlator:
    def __init__(self) -> None:
        self._similar: _Cache[_Similar] = _Cache()
        self._written: _Cache[Written] = _Cache()
        self._buckets: _Cache[_Bucket] = _Cache()

    def observe(
        self, about: Key, kind: Key, message: str, now: float
    ) -> tuple[Written, str] | None:
        """The Event to create or raise and the text it gets; None when it is one too many.

        `about` is source and object, `kind` adds type and reason.
        """
        key: Key = (*kind, message)
        similar = self._similar.get(kind) or self._similar.add(kind, _Similar(now))
        if now - similar.last > INTERVAL:
            similar.messages.clear()
        similar.last = now
        similar.messages[message] = None
        if len(similar.messages) >= MAX_SIMILAR:
            similar.messages.pop(next(iter(similar.messages)))
            key, message = kind, COMBINED + message
        written = self._written.get(key) or self._written.add(key, Written())
        written.count += 1
        bucket = self._buckets.get(about) or self._buckets.add(about, _Bucket(BURST, now))
        return (written, message) if bucket.take(now) else None
