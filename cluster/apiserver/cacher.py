"""The watch cache of the listening process: current bodies as bytes, and recent events.

It follows the log by `refresh`, which reads whatever is new; a read that must not be stale asks
the store for its revision first. Each event is encoded once and shared by all watchers; a watcher
that does not keep up is told to start over. Models k8s.io/apiserver/pkg/storage/cacher.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from cluster.apiserver import codec
from cluster.apiserver.custom.catalog import Catalog
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.foreign import COMPONENT, is_suspect, problem_of
from cluster.apiserver.kinds import strategy_for
from cluster.apiserver.managed.shapes import PREFIX, SHAPES
from cluster.apiserver.resources import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from cluster.apiserver.resources import RESOURCES, VERSIONS, Resource
from cluster.etcd.api import CompactedError, Event, Store, prefix_end
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

WINDOW = 2_000  # events kept for watches that start in the past; older ones are in the log
QUEUE = 10_000  # events a watcher may lag behind

Labels = dict[str, str]


class Entry:
    """One object: its served bytes. What selectors want to know is decoded when one asks: of all
    that a rollout writes, watchers with selectors see little."""

    __slots__ = (
        "_fields", "_labels", "_value", "key", "name", "namespace", "resource", "revision",
    )  # fmt: skip

    def __init__(self, resource: Resource, key: bytes, value: bytes, revision: int) -> None:
        self.resource = resource
        self.key = key
        self._value = value
        self.revision = revision
        self.namespace, self.name = resource.split_key(key)
        self._labels: Labels | None = None
        self._fields: dict[str, str] | None = None

    @property
    def body(self) -> bytes:
        """As served; made when somebody asks. What is not stored has no resourceVersion."""
        if not self.revision:
            return self._value
        return SHAPES.expand(codec.splice(self.resource, self._value, self.revision))

    @property
    def labels(self) -> Labels:
        if self._labels is None:
            self._look()
        return self._labels or {}

    @property
    def fields(self) -> dict[str, str]:
        """Beside metadata.name and metadata.namespace."""
        if self._fields is None:
            self._look()
        return self._fields or {}

    def _look(self) -> None:
        obj = self.decode()
        self._labels = obj["metadata"].get("labels") or {}
        self._fields = strategy_for(self.resource).fields(obj)

    def decode(self) -> Object:
        """managedFields may be by reference: what is encoded again, is expanded again."""
        if not self.revision:
            found: Object = orjson.loads(self._value)
            return found
        return codec.decode(self._value, self.revision)


class Corrupt(Entry):
    """Something no API server wrote there. Who reads it gets the error; `good` is what watchers
    saw last."""

    __slots__ = ("good", "problem")

    def __init__(self, resource: Resource, key: bytes, problem: StatusError, revision: int) -> None:
        super().__init__(resource, key, b"", revision)
        self.problem = problem
        self.good: Entry | None = None

    @property
    def body(self) -> bytes:
        raise self.problem

    def decode(self) -> Object:
        raise self.problem


def entry_of(
    resource: Resource, key: bytes, value: bytes, revision: int, foreign: bool = False
) -> Entry:
    """`foreign`: it certainly came past the API."""
    if foreign or is_suspect(resource, value):
        problem = problem_of(value)
        if problem is not None:
            return Corrupt(resource, key, problem, revision)
    return Entry(resource, key, value, revision)


@dataclass(slots=True)
class WatchEvent:
    """`new` is None for a deletion; then `old` carries the deletion's revision in its body."""

    revision: int
    old: Entry | None
    new: Entry | None
    encoded: dict[str, bytes] = field(default_factory=dict)


class Shelf:
    """All objects of one resource, in key order."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.entries: dict[bytes, Entry] = {}
        self._sorted: list[bytes] | None = []
        self.window: deque[WatchEvent] = deque(maxlen=WINDOW)
        self.since = 0  # events after this revision are all in the window
        self.watchers: dict[Watcher, None] = {}

    def keys(self) -> list[bytes]:
        if self._sorted is None:
            self._sorted = sorted(self.entries)
        return self._sorted

    def put(self, key: bytes, entry: Entry | None) -> Entry | None:
        old = self.entries.get(key)
        if entry is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = entry
        if (old is None) != (entry is None):
            self._sorted = None
        return old

    def select(self, prefix: bytes, after: bytes = b"") -> list[Entry]:
        keys = self.keys()
        low = bisect_left(keys, prefix)
        high = bisect_left(keys, prefix[:-1] + bytes([prefix[-1] + 1]))
        if after:
            low = max(low, bisect_left(keys, after + b"\x00"))
        return [self.entries[k] for k in keys[low:high]]


class Watcher:
    """A bounded queue of events; `wake` is called from the thread that refreshes."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.queue: deque[WatchEvent] = deque()
        self.revision = 0
        self.overflowed = False
        self.ended = False  # the resource is not served any more
        self._wake = wake

    def push(self, event: WatchEvent) -> None:
        if len(self.queue) >= QUEUE:
            self.overflowed = True
        else:
            self.queue.append(event)
        self._wake()


class _Shelves(dict[Resource, Shelf]):
    """Custom resources come and go: their shelves are filled when first asked for."""

    def __init__(self, make: Callable[[Resource], Shelf]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, resource: Resource) -> Shelf:
        found = self[resource] = self._make(resource)
        return found


class Cacher:
    """Thread-safe: the writer thread and the event loop both refresh it."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self.store = store
        self.catalog = catalog
        self.epoch = store.epoch
        self.revision = 0
        self._lock = threading.RLock()
        self._shelves: dict[Resource, Shelf] = _Shelves(self._shelve)
        self.listeners: list[Callable[[], None]] = []
        self._load()

    def _load(self) -> None:
        """Everything there is, at one revision."""
        self._shelves = _Shelves(self._shelve)
        revision = self.revision = self.store.revision()
        for kv in self.store.range(PREFIX, prefix_end(PREFIX), revision=revision).kvs:
            SHAPES.learn(kv.key, kv.value)
        for resource in RESOURCES.values():
            self._shelves[resource] = self._shelve(resource)
        for version in VERSIONS:
            self._shelves[version] = self._shelves[RESOURCES[version.stored_as]]
        self.revision = revision
        self.epoch = self.store.epoch

    def _shelve(self, resource: Resource) -> Shelf:
        """All objects of the resource as they were at the revision that was reached."""
        if isinstance(resource, CustomResource) and resource.hub is not resource:
            return self._shelves[resource.hub]
        shelf, prefix = Shelf(resource), resource.prefix
        end = prefix[:-1] + bytes([prefix[-1] + 1])
        with self._lock:
            for kv in self.store.range(prefix, end, revision=self.revision).kvs:
                with suppress(UnicodeDecodeError):  # no API server wrote such a key
                    shelf.entries[kv.key] = entry_of(resource, kv.key, kv.value, kv.mod_revision)
            shelf._sorted = None
            shelf.since = self.revision
        return shelf

    def refresh(self) -> int:
        """Catch up with the log; returns the revision reached."""
        with self._lock:
            latest = self.store.revision()
            if self.store.epoch != self.epoch:
                self._start_over()
            elif latest > self.revision:
                try:
                    events = self.store.events(self.revision)
                except CompactedError:
                    self._start_over()
                else:
                    for event in events:
                        self._apply(event)
                    self.revision = max([latest, *(e.revision for e in events[-1:])])
            return self.revision

    def _start_over(self) -> None:
        watchers = {w for s in self._shelves.values() for w in s.watchers}
        self._load()
        for watcher in watchers:
            watcher.overflowed = True
            watcher._wake()

    def _end(self, definition: str) -> None:
        """A definition went, and its resource with it: those who watch it need not wait."""
        for resource, shelf in self._shelves.items():
            if isinstance(resource, CustomResource) and resource.id == definition:
                for watcher in shelf.watchers:
                    watcher.ended = True
                    watcher._wake()

    def _apply(self, event: Event) -> None:
        resource = self.catalog.for_key(event.key)
        if resource is None:
            if event.key.startswith(PREFIX) and event.value is not None:
                SHAPES.learn(event.key, event.value)
            return
        if resource is CRDS:
            self.catalog.observe(event.key, event.value, event.revision)
            if event.value is None:
                self._end(event.key[len(CRDS.prefix) :].decode())
        shelf = self._shelves[resource]
        if event.value is None:
            new = None
        else:
            try:
                foreign = event.origin.component == COMPONENT
                new = entry_of(resource, event.key, event.value, event.revision, foreign)
            except ValueError:
                return  # not a key of this resource
        old = shelf.put(event.key, new)
        if isinstance(old, Corrupt):
            old = old.good
        if isinstance(new, Corrupt):
            new.good = old
            return
        if old is None and new is None:
            return
        shown = WatchEvent(event.revision, old, new)
        if len(shelf.window) == WINDOW:
            shelf.since = shelf.window[0].revision
        shelf.window.append(shown)
        for watcher in shelf.watchers:
            watcher.push(shown)

    # ---- reading

    def shelf(self, resource: Resource) -> Shelf:
        return self._shelves[resource]

    def get(self, resource: Resource, namespace: str, name: str) -> Entry | None:
        return self._shelves[resource].entries.get(resource.key(namespace, name))

    def select(
        self, resource: Resource, namespace: str, after: bytes = b""
    ) -> tuple[list[Entry], int]:
        """Entries in key order behind `after`, and the revision at which that is the truth."""
        with self._lock:
            found = self._shelves[resource].select(resource.namespace_prefix(namespace), after)
            return found, self.revision

    # ---- watching

    def watch(self, resource: Resource, watcher: Watcher, after: int) -> list[WatchEvent]:
        """Register; returns the events since `after`. Raises CompactedError when that is too long
        ago for the window and for the log."""
        with self._lock:
            shelf = self._shelves[resource]
            past = (
                [e for e in shelf.window if e.revision > after]
                if after >= shelf.since
                else self._from_log(resource, after)
            )
            shelf.watchers[watcher] = None
            watcher.revision = self.revision
            return past

    def unwatch(self, resource: Resource, watcher: Watcher) -> None:
        with self._lock:
            self._shelves[resource].watchers.pop(watcher, None)

    def _from_log(self, resource: Resource, after: int) -> list[WatchEvent]:
        prefix = resource.prefix
        end = prefix[:-1] + bytes([prefix[-1] + 1])
        out = []
        for event in self.store.events(after, start=prefix, end=end, previous=True):
            if event.revision > self.revision:
                break
            old = new = None
            if event.previous is not None:
                old = entry_of(resource, event.key, event.previous, event.previous_revision)
            if event.value is not None:
                new = entry_of(resource, event.key, event.value, event.revision)
            if isinstance(new, Corrupt):
                continue
            if isinstance(old, Corrupt):
                old = None
            if old is not None or new is not None:
                out.append(WatchEvent(event.revision, old, new))
        return out
