"""What differs between kinds: defaulting, validation, what an update may change, graceful deletion.

Subclass Strategy in `kinds/<kind>.py` and name it in `kinds.STRATEGIES`. The registry calls, in
this order: default, admit, prepare_for_create | prepare_for_update, validate | validate_update.
Objects given as `obj` or `new` are private to the operation and may be changed in place; `old` is
shared and must not be. Models k8s.io/apiserver/pkg/registry/rest strategies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol

from cluster.apiserver.managed import hook
from cluster.apiserver.operations import Operation
from cluster.apiserver.policies import Policies
from cluster.apiserver.resources import Resource
from cluster.etcd.api import Delete, Guard, Put
from cluster.machinery import errors
from cluster.machinery.entropy import Entropy
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object, deep_copy


class Lookup(Protocol):
    """What strategies and admission may read while they decide."""

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The current object or None; shared, do not change."""
        ...

    def list_all(self, resource: Resource, namespace: str = "") -> list[Object]: ...

    @property
    def policies(self) -> Policies:
        """What admission asks often, remembered."""
        ...

    def resource_for(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, of the table or custom."""
        ...

    def lease_for(self, ttl: int) -> int:
        """A store lease that keeps a key alive for `ttl` seconds of cluster time."""
        ...

    # Where sets of owned fields are kept (managed.shapes.Shelf).
    kept: set[str]

    def field_set(self, digest: str) -> bytes | None: ...

    def keep_field_set(self, digest: str, text: bytes) -> None: ...


@dataclass(slots=True)
class Context:
    """One operation on its way to a transaction.

    guards and ops are added to the object's own transaction (an allocation, an index key); when an
    added guard fails at commit, the operation is prepared again. ops_if_written alone are no reason
    to write. fragments are top-level fields of
    the body that are already encoded. warnings go to the client as Warning headers.
    """

    operation: Operation
    lookup: Lookup
    now: float
    entropy: Entropy
    guards: list[Guard] = field(default_factory=list)
    ops: list[Put | Delete] = field(default_factory=list)
    ops_if_written: list[Put | Delete] = field(default_factory=list)
    fragments: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    lease: int = 0
    wall: float = 0.0
    shown: Object | None = None  # the current object as clients know it, managedFields in full


@cache
def admission() -> ModuleType:
    """Its plugins know strategies, so it is loaded by the first write."""
    return import_module("cluster.apiserver.admission")


class Strategy:
    """The behaviour of a kind without peculiarities: store what comes, all fields mutable."""

    allow_create_on_update = False
    allow_unconditional_update = True
    has_status = False
    tracks_generation = False
    shares_parts = True  # a new object's parts may belong to somebody's cache
    ttl = 0  # seconds an object lives after its last write; 0: for ever

    def create(self, ctx: Context, obj: Object) -> Object:
        """The whole way of a new object; returns what is to be stored. Raises StatusError."""
        if self.shares_parts:
            obj = deep_copy(obj)
        self.default(obj)
        self.record(ctx, obj, None)
        admission().admit(ctx, obj, None)
        self.prepare_for_create(ctx, obj)
        self._raise(ctx, obj, self.validate(ctx, obj))
        admission().validate(ctx, obj, None)
        self.warn(ctx, obj, None)
        return obj

    def update(self, ctx: Context, new: Object, old: Object) -> Object:
        new = deep_copy(new)
        self.default(new)
        self.record(ctx, new, old)
        admission().admit(ctx, new, old)
        self.prepare_for_update(ctx, new, old)
        self._raise(ctx, new, self.validate_update(ctx, new, old))
        admission().validate(ctx, new, old)
        self.warn(ctx, new, old)
        return new

    def warn(self, ctx: Context, new: Object, old: Object | None) -> None:
        """Tell a caller who listens of what is stored but hardly meant."""
        if ctx.operation.warnings is None or (old and new.get("spec") == old.get("spec")):
            return
        from cluster.apiserver.kinds import warnings

        told = warnings.of(ctx.operation.resource, new)
        ctx.warnings += [text for text in told if text not in ctx.warnings]

    def record(self, ctx: Context, new: Object, old: Object | None) -> None:
        """Who owns what from now on; before admission, whose changes are nobody's."""
        hook.record(ctx, old, new, self.has_status)

    @staticmethod
    def _raise(ctx: Context, obj: Object, causes: list[Cause]) -> None:
        if causes:
            resource = ctx.operation.resource
            raise errors.invalid(
                resource.kind, resource.group, obj["metadata"].get("name", ""), causes
            )

    # ---- what kinds override

    def default(self, obj: Object) -> None:
        """Fill in defaults, in place. Models SetDefaults_*."""

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        if self.has_status:
            obj.pop("status", None)
        if self.tracks_generation:
            obj["metadata"]["generation"] = 1

    def validate(self, ctx: Context, obj: Object) -> list[Cause]:
        return []

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        if self.has_status:
            self._keep(new, old, "status")
        if self.tracks_generation:
            generation = old["metadata"].get("generation", 1)
            if new.get("spec") != old.get("spec"):
                generation += 1
            new["metadata"]["generation"] = generation

    def validate_update(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        return self.validate(ctx, new)

    def prepare_for_delete(self, ctx: Context, old: Object) -> None:
        """May raise StatusError, or add ops (release an allocation)."""

    def ask_before_delete(self, ctx: Context, subresource: str, old: Object) -> Object:
        """A deletion by way of a subresource (pods/eviction): the object as it then terminates."""
        raise errors.StatusError(
            404, "NotFound", "the server could not find the requested resource", {}
        )

    def grace(self, ctx: Context, old: Object) -> int:
        """Seconds of graceful deletion; 0 deletes at once. `options.grace` is the caller's wish."""
        return 0

    def held(self, obj: Object) -> bool:
        """Something beside metadata.finalizers keeps a deleted object (a namespace's content)."""
        return False

    def begin_termination(self, obj: Object) -> Object:
        """The object as it is from the moment of its deletion on; `obj` must not be changed."""
        return obj

    def default_propagation(self) -> str:
        return "Background"

    def fields(self, obj: Object) -> dict[str, str]:
        """Selectable fields beside metadata.name and metadata.namespace."""
        return {}

    # ---- subresources

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        """What a GET of the subresource shows (and a patch of it changes)."""
        if subresource == "status" and self.has_status:
            return obj
        raise errors.StatusError(
            404, "NotFound", "the server could not find the requested resource", {}
        )

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        """The object after `new` was written to the subresource; private, ready to store."""
        if subresource == "status" and self.has_status:
            return self.put_status(ctx, new, old)
        raise errors.StatusError(
            404, "NotFound", "the server could not find the requested resource", {}
        )

    def put_status(self, ctx: Context, new: Object, old: Object) -> Object:
        """Only status (and labels, annotations, finalizers) may change here."""
        metadata = {**new["metadata"]}
        metadata["ownerReferences"] = old["metadata"].get("ownerReferences")
        metadata["generation"] = old["metadata"].get("generation")
        out = {**old, "metadata": {k: v for k, v in metadata.items() if v is not None}}
        self._keep(out, new, "status")
        self._raise(ctx, out, self.validate_status(ctx, out, old))
        return out

    def validate_status(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        return []

    @staticmethod
    def _keep(target: Object, source: Object, field_name: str) -> None:
        if field_name in source:
            target[field_name] = source[field_name]
        else:
            target.pop(field_name, None)
