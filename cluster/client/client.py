"""Typed verbs. Batched ones queue a write; `flush` commits the queue, many revisions at a time.

A component names what it is doing with `acting(...)`; every write it queues then carries that
origin and, if it fails, makes that key dirty again. `do_*` verbs act at once and raise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from cluster.apiserver.operations import (
    NO_OPTIONS,
    Beside,
    Operation,
    Options,
    Propagation,
    User,
    Verb,
)
from cluster.apiserver.registry import Registry
from cluster.apiserver.resources import BY_KIND, PODS, Resource
from cluster.etcd.api import Origin
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

log = logging.getLogger(__name__)
BATCH = 100  # rows a transaction: few enough that an API request gets in between

OnError = Callable[[StatusError], None]
OnDone = Callable[[Object], None]


@dataclass(slots=True)
class _Queued:
    operation: Operation
    on_error: OnError
    on_done: OnDone | None


def _log_error(error: StatusError) -> None:
    log.warning("write failed: %s", error.message)


def resource_of(obj: Object) -> Resource:
    """The resource an object's apiVersion and kind name; not a custom one."""
    return BY_KIND[obj["apiVersion"], obj["kind"]]


class Client:
    """`name` is the user name the API server sees, e.g. `system:kube-scheduler`."""

    def __init__(self, registry: Registry, name: str, groups: tuple[str, ...] = ()) -> None:
        self.registry = registry
        self.user = User(name, groups or ("system:masters", "system:authenticated"))
        self._queue: list[_Queued] = []
        self._origin = Origin(name)
        self._on_error: OnError = _log_error

    def acting(
        self, component: str, reconcile: str, cause: int = 0, on_error: OnError | None = None
    ) -> None:
        """What the writes queued from now on are done for."""
        self._origin = Origin(component, reconcile, cause)
        self._on_error = on_error or _log_error

    def resource_for(self, api_version: str, kind: str) -> Resource | None:
        """Of the table, or a custom one."""
        return self.registry.resource_for(api_version, kind)

    def resource_of(self, obj: Object) -> Resource:
        """The resource an object's apiVersion and kind name. Raises KeyError."""
        version, kind = obj["apiVersion"], obj["kind"]
        found = self.resource_for(version, kind) or self.registry.catalog.known(version, kind)
        if found is None:
            raise KeyError((obj["apiVersion"], obj["kind"]))
        return found

    # ---- batched writes

    def create(
        self, obj: Object, *, on_error: OnError | None = None, on_done: OnDone | None = None
    ) -> None:
        self._add("create", self.resource_of(obj), obj, on_error=on_error, on_done=on_done)

    def update(
        self,
        obj: Object,
        *,
        base: Object | None = None,
        subresource: str = "",
        on_error: OnError | None = None,
        on_done: OnDone | None = None,
    ) -> None:
        """Replace an object; the resourceVersion it carries must still be current. `base` is the
        cached object it was made from, which saves a read."""
        self._add(
            "update",
            self.resource_of(obj),
            obj,
            subresource,
            base=base,
            on_error=on_error,
            on_done=on_done,
        )

    def update_status(
        self, obj: Object, *, base: Object | None = None, on_error: OnError | None = None
    ) -> None:
        self.update(obj, base=base, subresource="status", on_error=on_error)

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        transform: Callable[[Object], Object],
        *,
        subresource: str = "",
        base: Object | None = None,
        on_error: OnError | None = None,
    ) -> None:
        """`transform` gets the current object, must not change it, and returns the new one. It is
        applied again to a newer object when somebody else wrote meanwhile."""
        operation = Operation(
            "patch",
            resource,
            namespace,
            name,
            self.user,
            transform=transform,
            subresource=subresource,
            origin=self._origin,
            base=base,
        )
        self._push(operation, on_error, None)

    def delete(
        self,
        obj: Object,
        *,
        grace: int | None = None,
        propagation: Propagation = "",
        on_error: OnError | None = None,
        on_done: OnDone | None = None,
    ) -> None:
        """Delete exactly this object (its UID is the precondition)."""
        options = Options(grace=grace, propagation=propagation, uid=obj["metadata"].get("uid", ""))
        self._add(
            "delete",
            self.resource_of(obj),
            obj,
            options=options,
            on_error=on_error,
            on_done=on_done,
        )

    def evict(
        self, pod: Object, *, on_error: OnError | None = None, on_done: OnDone | None = None
    ) -> None:
        """POST pods/eviction: a deletion that a disruption budget may refuse."""
        options = Options(uid=pod["metadata"].get("uid", ""))
        self._add(
            "delete",
            PODS,
            pod,
            "eviction",
            options=options,
            on_error=on_error,
            on_done=on_done,
        )

    def bind(
        self, pod: Object, node: str, *, beside: Beside | None = None,
        on_error: OnError | None = None, on_done: OnDone | None = None,
    ) -> None:  # fmt: skip
        """POST pods/binding; `beside` is what the caller notes about it."""
        meta = pod["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        operation = Operation(
            "create",
            PODS,
            meta["namespace"],
            meta["name"],
            self.user,
            body=body,
            subresource="binding",
            origin=self._origin,
            base=pod,
            beside=beside,
        )
        self._push(operation, on_error, on_done)

    def _add(
        self,
        verb: Verb,
        resource: Resource,
        obj: Object,
        subresource: str = "",
        *,
        options: Options = NO_OPTIONS,
        base: Object | None = None,
        on_error: OnError | None = None,
        on_done: OnDone | None = None,
    ) -> None:
        meta = obj["metadata"]
        operation = Operation(
            verb,
            resource,
            meta.get("namespace", ""),
            meta.get("name", ""),
            self.user,
            body=None if verb == "delete" else obj,
            subresource=subresource,
            options=options,
            origin=self._origin,
            base=base,
        )
        self._push(operation, on_error, on_done)

    def _push(self, operation: Operation, on_error: OnError | None, on_done: OnDone | None) -> None:
        self._queue.append(_Queued(operation, on_error or self._on_error, on_done))
        if len(self._queue) >= BATCH:
            self.flush()

    @property
    def pending(self) -> int:
        return len(self._queue)

    def flush(self) -> int:
        """Commit what is queued; calls every write's on_error or on_done; returns how many."""
        total = 0
        while self._queue:
            batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
            total += len(batch)
            results = self.registry.commit([q.operation for q in batch])
            for queued, result in zip(batch, results, strict=True):
                if isinstance(result, StatusError):
                    queued.on_error(result)
                elif queued.on_done is not None:
                    queued.on_done(result)
        return total

    # ---- at once

    def do(self, operation: Operation) -> Object:
        """One operation now; raises StatusError."""
        return self.registry.do(operation)

    def do_create(self, obj: Object, *, dry_run: bool = False) -> Object:
        meta = obj["metadata"]
        return self.do(
            Operation(
                "create",
                self.resource_of(obj),
                meta.get("namespace", ""),
                meta.get("name", ""),
                self.user,
                body=obj,
                options=Options(dry_run=dry_run),
                origin=self._origin,
            )
        )

    def do_update(self, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        meta = obj["metadata"]
        return self.do(
            Operation(
                "update",
                self.resource_of(obj),
                meta.get("namespace", ""),
                meta["name"],
                self.user,
                body=obj,
                subresource=subresource,
                options=Options(dry_run=dry_run),
                origin=self._origin,
            )
        )

    def do_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        transform: Callable[[Object], Object],
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        return self.do(
            Operation(
                "patch",
                resource,
                namespace,
                name,
                self.user,
                transform=transform,
                subresource=subresource,
                options=Options(dry_run=dry_run),
                origin=self._origin,
            )
        )

    def do_delete(
        self, resource: Resource, namespace: str, name: str, options: Options = NO_OPTIONS
    ) -> Object:
        return self.do(
            Operation(
                "delete",
                resource,
                namespace,
                name,
                self.user,
                options=options,
                origin=self._origin,
            )
        )

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """From the store, not from a cache. Raises StatusError 404."""
        return self.registry.get(resource, namespace, name)

    def list(self, resource: Resource, namespace: str = "") -> list[Object]:
        return self.registry.list_all(resource, namespace)
