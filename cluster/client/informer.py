"""Caches that tail the log: informers, listers, indexes.

Informers of one process share one position in the log. `sync` reads everything since then,
updates the caches, and calls the handlers, which only mark keys dirty. Objects in a cache are
shared: never change one. Models k8s.io/client-go/tools/cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from cluster.apiserver.registry import Registry
from cluster.apiserver.resources import Resource
from cluster.client.sharing import Sharing
from cluster.etcd.api import CompactedError
from cluster.machinery.meta import Object, controller_of, key_of, labels_of
from cluster.machinery.selectors import Selector


@dataclass(frozen=True, slots=True)
class InformerEvent:
    """`new` is None for DELETED, `old` for ADDED. `revision` is the cause of what follows."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: str
    old: Object | None
    new: Object | None
    revision: int

    @property
    def obj(self) -> Object:
        """The newest state there is of the object."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found


Handler = Callable[[InformerEvent], None]
IndexFunction = Callable[[Object], Iterable[str]]
Transform = Callable[[Object], Object]
# `list` is a method's name below.
Objects = list[Object]
Names = list[str]
T = TypeVar("T")


def by_node(pod: Object) -> Iterable[str]:
    """Index of pods by spec.nodeName; unbound ones under the empty string."""
    return (pod["spec"].get("nodeName", ""),)


def by_controller(obj: Object) -> Iterable[str]:
    """Index by the UID of the controlling owner; orphans under the empty string."""
    ref = controller_of(obj)
    return (ref["uid"] if ref else "",)


class Lister:
    """Read access to one resource's cache, in key order of insertion."""

    def __init__(self) -> None:
        self._objects: dict[str, Object] = {}
        self._namespaces: dict[str, dict[str, Object]] = {}
        self._functions: dict[str, IndexFunction] = {}
        self._indexes: dict[str, dict[str, dict[str, Object]]] = {}

    def get(self, key: str) -> Object | None:
        """By `namespace/name`, or `name` for a cluster-scoped resource."""
        return self._objects.get(key)

    def list(self, namespace: str = "") -> Objects:
        if namespace:
            return list(self._namespaces.get(namespace, {}).values())
        return list(self._objects.values())

    def select(self, namespace: str, selector: Selector) -> Objects:
        return [o for o in self.list(namespace) if selector.matches(labels_of(o))]

    def by_index(self, index: str, value: str) -> Objects:
        return list(self._indexes[index].get(value, {}).values())

    def index_values(self, index: str) -> Names:
        return list(self._indexes[index])

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._objects.values())

    def __contains__(self, key: str) -> bool:
        return key in self._objects

    def add_index(self, name: str, function: IndexFunction) -> None:
        if name in self._functions:
            return
        self._functions[name] = function
        self._indexes[name] = {}
        for key, obj in self._objects.items():
            self._index(name, key, None, obj)

    def _set(self, key: str, obj: Object | None) -> Object | None:
        """Replace or (with None) remove; returns what was there."""
        old = self._objects.get(key)
        namespace = (obj or old or {"metadata": {}})["metadata"].get("namespace", "")
        if obj is None:
            self._objects.pop(key, None)
            self._namespaces.get(namespace, {}).pop(key, None)
        else:
            self._objects[key] = obj
            self._namespaces.setdefault(namespace, {})[key] = obj
        for name in self._functions:
            self._index(name, key, old, obj)
        return old

    def _index(self, name: str, key: str, old: Object | None, new: Object | None) -> None:
        function, index = self._functions[name], self._indexes[name]
        before = function(old) if old is not None else ()
        after = tuple(function(new)) if new is not None else ()
        for value in before:
            if value not in after and (bucket := index.get(value)) is not None:
                bucket.pop(key, None)
                if not bucket:
                    del index[value]
        if new is not None:
            for value in after:
                index.setdefault(value, {})[key] = new


class Informer:
    """One resource's cache and who wants to hear of it."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.lister = Lister()
        self.handlers: list[Handler] = []
        self.transform: Transform | None = None
        self.sharing = Sharing()

    def add_handler(self, handler: Handler) -> None:
        """A handler added late hears of all cached objects as ADDED."""
        self.handlers.append(handler)
        for obj in self.lister:
            handler(InformerEvent("ADDED", key_of(obj), None, obj, 0))

    def apply(self, key: str, obj: Object | None, revision: int) -> None:
        if obj is not None and self.transform is not None:
            obj = self.transform(obj)
        old = self.lister._set(key, obj)
        if old is None and obj is None:
            return
        kind: Literal["ADDED", "MODIFIED", "DELETED"] = (
            "DELETED" if obj is None else "ADDED" if old is None else "MODIFIED"
        )
        event = InformerEvent(kind, key, old, obj, revision)
        for handler in self.handlers:
            handler(event)

    def replace(self, objects: list[Object], revision: int) -> None:
        """A fresh list after a compaction or restore: the differences become events."""
        fresh = {key_of(o): o for o in objects}
        for key in [key_of(o) for o in self.lister]:
            if key not in fresh:
                self.apply(key, None, revision)
        for key, obj in fresh.items():
            self.sharing.adopt(obj)
            old = self.lister.get(key)
            if old is None or old["metadata"] != obj["metadata"]:
                self.apply(key, obj, _version(obj))


class Informers:
    """All informers of a process; ask for a resource before the first `sync`, or any time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.catalog = registry.catalog
        self._informers: dict[Resource, Informer] = {}
        self._unlisted: list[Informer] = []
        self._shared: dict[type, Any] = {}
        self._epoch = registry.store.epoch
        self.revision = 0

    def __getitem__(self, resource: Resource) -> Informer:
        found = self._informers.get(resource)
        if found is None:
            found = self._informers[resource] = Informer(resource)
            self._unlisted.append(found)
            self._registry.follow(resource)
        return found

    def shared(self, kind: type[T], make: Callable[[], T]) -> T:
        """The one `kind` of this process: what several parts derive from the same caches."""
        if kind not in self._shared:
            self._shared[kind] = make()
        found: T = self._shared[kind]
        return found

    def lister(self, resource: Resource) -> Lister:
        return self[resource].lister

    @property
    def resources(self) -> frozenset[Resource]:
        return frozenset(self._informers)

    def sync(self) -> bool:
        """Catch up with the log; True when anything changed."""
        if self._epoch != self._registry.store.epoch:
            self._epoch = self._registry.store.epoch
            self._start_over()
        before = self.revision
        try:
            self._tail()
        except CompactedError:
            self._start_over()
        listed = self._list()
        return listed or self.revision != before

    def _start_over(self) -> None:
        self._unlisted = list(self._informers.values())
        self.revision = 0

    def _list(self) -> bool:
        """List resources that have no position in the log yet, then bring all to one revision."""
        if not self._unlisted:
            return False
        waiting, self._unlisted = self._unlisted, []
        start = self.revision
        positions: list[int] = []
        for informer in waiting:
            objects, revision = self._registry.list(informer.resource)
            informer.replace(objects, revision)
            positions.append(revision)
        # Re-reading events at or before a list's revision is harmless: `_tail` skips older ones.
        self.revision = min([*positions, start] if start else positions)
        self._tail()
        return True

    def _tail(self) -> None:
        if not self._informers or self.revision == 0:
            return
        latest = self._registry.store.revision()
        if latest == self.revision:
            return
        for change in self._registry.changes(self.revision, frozenset(self._informers)):
            informer = self._informers[change.resource]
            key = f"{change.namespace}/{change.name}" if change.namespace else change.name
            if change.obj is not None:
                cached = informer.lister.get(key)
                if cached is not None and _version(cached) >= change.revision:
                    continue
            if change.obj is not None and not change.own:
                informer.sharing.adopt(change.obj)
            informer.apply(key, change.obj, change.revision)
            latest = max(latest, change.revision)
        self.revision = latest


def _version(obj: Object) -> int:
    return int(obj["metadata"].get("resourceVersion") or 0)
