"""garbage-collector: dependents follow their owners. Models pkg/controller/garbagecollector.

Keys are UIDs. An owner that went takes its dependents along (background); one that waits for them
(foregroundDeletion) goes when they are gone; one that lets them be (orphan) leaves them without
the reference. An object whose owners are all absent goes, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from cluster.client import Controller, Env, InformerEvent, Resource, kinds
from cluster.machinery.meta import Object, is_deleting, namespace_of, uid_of, with_metadata

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
IGNORED = frozenset({kinds.EVENTS})


@dataclass(frozen=True, slots=True)
class _Node:
    resource: Resource
    key: str


class GarbageCollector(Controller):
    name = "garbage-collector-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self._objects: dict[str, _Node] = {}
        self._dependents: dict[str, dict[str, None]] = {}
        for resource in kinds.RESOURCES.values():
            if "delete" in resource.verbs and resource not in IGNORED:
                env.informers[resource].add_handler(partial(self._on_object, resource))

    def _on_object(self, resource: Resource, event: InformerEvent) -> None:
        obj = event.obj
        uid, meta = uid_of(obj), obj["metadata"]
        if event.new is None:
            self._objects.pop(uid, None)
        elif event.type == "ADDED":
            self._objects[uid] = _Node(resource, event.key)
        before = _owners(event.old) if event.old is not None else ()
        after = _owners(event.new) if event.new is not None else ()
        if before != after:
            self._link(uid, before, after)
        if event.new is None:
            for dependent in self._dependents.get(uid, ()):
                self.enqueue(dependent, event.revision)
            for owner in before:
                self._wake_waiting(owner, event.revision)
        elif (after and any(o not in self._objects for o in after)) or (
            "deletionTimestamp" in meta and meta.get("finalizers")
        ):
            self.enqueue(uid, event.revision)

    def _link(self, uid: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        for owner in before:
            if owner not in after and (found := self._dependents.get(owner)) is not None:
                found.pop(uid, None)
                if not found:
                    del self._dependents[owner]
        for owner in after:
            self._dependents.setdefault(owner, {})[uid] = None

    def _wake_waiting(self, owner: str, revision: int) -> None:
        if owner not in self._dependents and owner in self._objects:
            obj = self._get(owner)
            if obj is not None and is_deleting(obj):
                self.enqueue(owner, revision)

    def _get(self, uid: str) -> Object | None:
        node = self._objects.get(uid)
        return self.informers.lister(node.resource).get(node.key) if node is not None else None

    def reconcile(self, key: str) -> None:
        obj = self._get(key)
        if obj is None:
            return
        finalizers = obj["metadata"].get("finalizers") or ()
        if is_deleting(obj) and ORPHAN in finalizers:
            self._orphan(key, obj)
        elif is_deleting(obj) and FOREGROUND in finalizers:
            self._foreground(key, obj)
        elif not is_deleting(obj):
            self._collect(obj)

    def _collect(self, obj: Object) -> None:
        """Delete what has lost all its owners; drop references to owners that are gone."""
        references = obj["metadata"].get("ownerReferences") or []
        solid = [r for r in references if self._exists(r, obj)]
        if not references or len(solid) == len(references):
            return
        if solid:
            self.client.update(with_metadata(obj, ownerReferences=solid), base=obj)
        else:
            self.client.delete(obj, propagation="Background", on_error=lambda error: None)

    def _exists(self, reference: Object, dependent: Object) -> bool:
        if reference["uid"] in self._objects:
            return True
        resource = kinds.BY_KIND.get((reference["apiVersion"], reference["kind"]))
        if resource is None:
            return True  # not a kind we know anything about
        namespace = namespace_of(dependent) if resource.namespaced else ""
        found = self.client.registry.find(resource, namespace, reference["name"])
        return found is not None and uid_of(found) == reference["uid"]

    def _foreground(self, key: str, obj: Object) -> None:
        waiting = False
        for dependent in list(self._dependents.get(key, ())):
            found = self._get(dependent)
            if found is None:
                continue
            blocks = any(
                r["uid"] == key and r.get("blockOwnerDeletion")
                for r in found["metadata"].get("ownerReferences") or ()
            )
            waiting = waiting or blocks
            if not is_deleting(found):
                self.client.delete(found, propagation="Foreground", on_error=lambda error: None)
        if not waiting:
            self._release(obj, FOREGROUND)

    def _orphan(self, key: str, obj: Object) -> None:
        left = [f for d in self._dependents.get(key, ()) if (f := self._get(d)) is not None]
        for found in left:
            kept = [r for r in found["metadata"]["ownerReferences"] if r["uid"] != key]
            self.client.update(with_metadata(found, ownerReferences=kept or None), base=found)
        if not left:
            self._release(obj, ORPHAN)
        else:
            self.queue.add_at(key, self.clock.now())

    def _release(self, obj: Object, finalizer: str) -> None:
        left = [f for f in obj["metadata"].get("finalizers") or () if f != finalizer]
        self.client.update(with_metadata(obj, finalizers=left or None), base=obj)


def _owners(obj: Object) -> tuple[str, ...]:
    return tuple(r["uid"] for r in obj["metadata"].get("ownerReferences") or ())
