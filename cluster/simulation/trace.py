"""Why? From a revision back to its first cause, and forward to what it brought about.

Every revision says which component wrote it, while reconciling what, and because of which revision.
Here these are put one behind the other, each with a plain sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.apiserver.resources import for_key
from cluster.client import Resource
from cluster.etcd.api import CompactedError, Event, Store
from cluster.machinery import errors

DEEPEST = 100  # links of a chain; a longer one goes round in circles
WIDEST = 1000  # consequences told of
WINDOW = 50_000  # revisions looked through for them


@dataclass(frozen=True, slots=True)
class Link:
    """One revision of a chain. `verb`: created, changed or deleted."""

    revision: int
    resource: str
    namespace: str
    name: str
    verb: str
    component: str
    reconcile: str
    cause: int

    @property
    def subject(self) -> str:
        """`pods/default/web-1`."""
        return "/".join(filter(None, (self.resource, self.namespace, self.name)))

    def sentence(self) -> str:
        while_ = f" for {self.reconcile}" if self.reconcile else ""
        return f"{self.component or 'somebody'} {self.verb} {self.subject}{while_}"

    def shown(self) -> dict[str, Any]:
        return {
            "revision": self.revision,
            "object": self.subject,
            "verb": self.verb,
            "component": self.component,
            "reconcile": self.reconcile,
            "cause": self.cause,
            "message": self.sentence(),
        }


class Trace:
    def __init__(self, store: Store) -> None:
        self._store = store

    def back(self, revision: int) -> list[Link]:
        """From the revision to its first known cause. Raises StatusError 404 for a revision that
        does not exist; one that is compacted ends the chain."""
        if not 0 < revision <= self._store.revision():
            raise errors.not_found("revisions", "orrery.sim", str(revision))
        out: list[Link] = []
        seen: set[int] = set()
        while revision and revision not in seen and len(out) < DEEPEST:
            seen.add(revision)
            event = self._at(revision)
            if event is None:
                break
            out.append(link(event))
            revision = event.origin.cause
        return out

    def forward(self, revision: int) -> list[Link]:
        """All that followed from it, directly or not, in the order of the log."""
        try:
            events = self._store.events(revision, limit=WINDOW)
        except CompactedError as error:
            raise errors.gone(f"what followed revision {revision} is compacted") from error
        known = {revision}
        out: list[Link] = []
        for event in events:
            if event.origin.cause in known and len(out) < WIDEST:
                known.add(event.revision)
                out.append(link(event))
        return out

    def _at(self, revision: int) -> Event | None:
        try:
            found = self._store.events(revision - 1, limit=1)
        except CompactedError:
            return None
        own = [e for e in found if e.revision == revision]
        return own[0] if own else None

    def revision_of(self, resource: Resource, namespace: str, name: str) -> int:
        """Of an object's last change, also when that was its deletion. Raises StatusError 404."""
        key = resource.key(namespace, name)
        found = self._store.get(key)
        if found is not None:
            return found.mod_revision
        events = self._store.events(self._store.compacted(), start=key, end=key + b"\x00")
        if not events:
            raise errors.not_found(resource.plural, resource.group, name)
        return events[-1].revision


def link(event: Event) -> Link:
    resource = for_key(event.key)
    if resource is None:
        place = (event.key.decode(errors="replace"), "", "")
    else:
        place = (resource.plural, *resource.split_key(event.key))
    verb = "changed"
    if event.value is None:
        verb = "deleted"
    elif event.version == 1:
        verb = "created"
    return Link(event.revision, *place, verb, *event.origin)
