"""The watch cache as the authorisers see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cluster.apiserver.cacher import Cacher, Entry
from cluster.apiserver.resources import PODS, Resource
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object


class CacherSource:
    def __init__(self, cacher: Cacher) -> None:
        self._cacher = cacher

    @property
    def revision(self) -> int:
        return self._cacher.revision

    def refresh(self) -> int:
        return self._cacher.refresh()

    def version(self, resource: Resource) -> object:
        """A shelf that starts over has another `since`; every event ends its window."""
        shelf = self._cacher.shelf(resource)
        window = shelf.window
        return (shelf.since, window[-1].revision if window else 0)

    def entries(self, resource: Resource) -> Iterable[Entry]:
        return self._cacher.select(resource, "")[0]

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        entry = self._cacher.get(resource, namespace, name)
        return None if entry is None else entry.decode()

    def pods_of(self, node: str) -> Iterator[Entry]:
        """Bodies are compact JSON, so the name stands there literally."""
        mark = f'"nodeName":"{node}"'.encode()
        for entry in self.entries(PODS):
            try:
                found = mark in entry.body
            except StatusError:
                continue  # written past the API by somebody
            if found:
                yield entry
