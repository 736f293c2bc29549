"""garbage-collector: dependents follow their owners. Models pkg/controller/garbagecollector.

Keys are UIDs. An owner that went takes its dependents along (background); one that waits for them
(foregroundDeletion) goes when they are gone; one that lets them be (orphan) leaves them without
the reference. An object whose owners are all absent goes, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from cluster.client import Controller, Env, InformerEvent, Resource, custom_resources, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, is_deleting, namespace_of, uid_of, with_metadata

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class _Node:
    resource: Resource
    namespace: str
    key: str


class GarbageCollector(Controller):
    name = "garbage-collector-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self._objects: dict[str, _Node] = {}
        self._dependents: dict[str, dict[str, None]] = {}
        for resource in kinds.RESOURCES.values():
            if "delete" in resource.verbs and not resource.transient:
                self._follow(resource)
        custom_resources(env).each(self._follow)

    def _follow(self, resource: Resource) -> None:
        self.informers[resource].add_handler(partial(self._on_object, resource))

    # ---- the graph

    def _on_object(self, resource: Resource, event: InformerEvent) -> None:
        old, new = event.old, event.new
        if old is not None and new is not None and _same_for_graph(old, new):
            return
        if old is not None and (new is None or uid_of(new) != uid_of(old)):
            self._on_gone(old, event.revision)
            old = None
        if new is None:
            return
        uid, meta = uid_of(new), new["metadata"]
        namespace = meta.get("namespace", "")
        if old is None:
            self._objects[uid] = _Node(resource, namespace, event.key)
        before, after = _owners(old) if old is not None else (), _owners(new)
        if before != after:
            self._link(uid, before, after)
            for owner in before:
                if owner not in after:
                    self._wake_waiting(owner, event.revision)
        if (after and any(self._is_doubtful(owner, namespace) for owner in after)) or (
            "deletionTimestamp" in meta and meta.get("finalizers")
        ):
            self.enqueue(uid, event.revision)

    def _on_gone(self, old: Object, revision: int) -> None:
        uid, before = uid_of(old), _owners(old)
        self._objects.pop(uid, None)
        self._link(uid, before, ())
        for dependent in self._dependents.get(uid, ()):
            self.enqueue(dependent, revision)
        for owner in before:
            self._wake_waiting(owner, revision)

    def _is_doubtful(self, owner: str, namespace: str) -> bool:
        """An owner that is not known, or that lives in another namespace."""
        node = self._objects.get(owner)
        return node is None or node.namespace not in ("", namespace)

    def _link(self, uid: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        for owner in before:
            if owner not in after and (found := self._dependents.get(owner)) is not None:
                found.pop(uid, None)
                if not found:
                    del self._dependents[owner]
        for owner in after:
            self._dependents.setdefault(owner, {})[uid] = None

    def _wake_waiting(self, owner: str, revision: int) -> None:
        """An owner that waits for its dependents hears of each that goes."""
        obj = self._get(owner)
        if obj is not None and is_deleting(obj):
            self.enqueue(owner, revision)

    def _get(self, uid: str) -> Object | None:
        node = self._objects.get(uid)
        return self.informers.lister(node.resource).get(node.key) if node is not None else None

    # ---- what follows from it

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
            self._collect(key, obj)

    def _collect(self, key: str, obj: Object) -> None:
        """Delete what has lost its owners; drop references that hold nothing any more.
        Models attemptToDeleteItem."""
        references = obj["metadata"].get("ownerReferences") or []
        there = [r for r in references if self._exists(r, obj)]
        solid = [r for r in there if not self._is_waiting(r["uid"])]
        if len(solid) == len(references):
            return
        if solid:
            self.client.update(with_metadata(obj, ownerReferences=solid), base=obj)
        elif there and self._dependents.get(key):
            self.client.delete(obj, propagation="Foreground")
        else:
            self.client.delete(obj, propagation="Background")

    def _is_waiting(self, uid: str) -> bool:
        owner = self._get(uid)
        finalizers = owner["metadata"].get("finalizers") or () if owner is not None else ()
        return owner is not None and is_deleting(owner) and FOREGROUND in finalizers

    def _exists(self, reference: Object, dependent: Object) -> bool:
        """Looked up where the reference says; in the store, when the cache does not know it."""
        resource = self.client.resource_for(reference["apiVersion"], reference["kind"])
        if resource is None:
            return True  # not a kind we know anything about
        namespace = namespace_of(dependent) if resource.namespaced else ""
        known = self._objects.get(reference["uid"])
        if known is not None:
            if known.namespace == namespace:
                return True
            self._misplaced(reference, dependent, namespace)
            return False
        try:
            found = self.client.get(resource, namespace, reference["name"])
        except StatusError as error:
            if error.code != 404:
                raise
            return False
        return uid_of(found) == reference["uid"]

    def _misplaced(self, reference: Object, dependent: Object, namespace: str) -> None:
        text = (
            f"ownerRef [{reference['apiVersion']}/{reference['kind']}, namespace: {namespace}, "
            f"name: {reference['name']}, uid: {reference['uid']}] does not exist in namespace "
            f'"{namespace}"'
        )
        self.recorder.event(dependent, "Warning", "OwnerRefInvalidNamespace", text)

    def _foreground(self, key: str, obj: Object) -> None:
        """Dependents that block it go first. Models processDeletingDependentsItem."""
        waiting = False
        for dependent in self._dependents.get(key, ()):
            found = self._get(dependent)
            references = found["metadata"].get("ownerReferences") or () if found else ()
            if any(r["uid"] == key and r.get("blockOwnerDeletion") for r in references):
                waiting = True
                if found is not None and not is_deleting(found):
                    self.enqueue(dependent)
        if not waiting:
            self._release(obj, FOREGROUND)

    def _orphan(self, key: str, obj: Object) -> None:
        left = [f for d in self._dependents.get(key, ()) if (f := self._get(d)) is not None]
        for found in left:
            kept = [r for r in found["metadata"]["ownerReferences"] if r["uid"] != key]
            self.client.update(with_metadata(found, ownerReferences=kept or None), base=found)
        if not left:  # else each that has let go makes this key dirty again
            self._release(obj, ORPHAN)

    def _release(self, obj: Object, finalizer: str) -> None:
        left = [f for f in obj["metadata"].get("finalizers") or () if f != finalizer]
        self.client.update(with_metadata(obj, finalizers=left or None), base=obj)


def _same_for_graph(old: Object, new: Object) -> bool:
    """Nearly every change is of this kind; it costs next to nothing here."""
    before, after = old["metadata"], new["metadata"]
    return (
        before["uid"] == after["uid"]
        and before.get("ownerReferences") == after.get("ownerReferences")
        and not ("deletionTimestamp" in after and after.get("finalizers"))
    )


def _owners(obj: Object) -> tuple[str, ...]:
    references = obj["metadata"].get("ownerReferences")
    return tuple(r["uid"] for r in references) if references else ()
