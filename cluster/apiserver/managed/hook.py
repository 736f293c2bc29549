"""Where the registry records owners: once per write, between defaulting and admission.

What admission and strategies change afterwards is nobody's, as upstream. Components write through
the same door; their manager is the program they stand for.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING

from cluster.apiserver.managed.entries import MAX_UPDATERS, UPDATE
from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet, Path, path
from cluster.apiserver.managed.hot import Shared, Writer, changes_of, created, updated
from cluster.apiserver.managed.manager import Convert, FieldManager, KindVersions
from cluster.apiserver.managed.scale import SCALE_VERSION, to_parent, to_scale
from cluster.apiserver.managed.shapes import SHAPES, is_reference
from cluster.apiserver.managed.sources import types
from cluster.apiserver.managed.typed import MisfitError
from cluster.apiserver.managed.updater import ManagerId
from cluster.apiserver.operations import Operation, User
from cluster.apiserver.resources import EVENTS, SERVED, Resource
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.apiserver.strategy import Context

# Subresources that write an object of the parent's kind.
TRACKED = frozenset(("", "status", "finalize", "ephemeralcontainers", "approval", "resize"))
# Beside spec: what a write to /status cannot set. Models the strategies' GetResetFields.
STATUS_IGNORES: dict[str, tuple[Path, ...]] = {
    "pods": (path("metadata", "deletionTimestamp"), path("metadata", "ownerReferences")),
    "deployments.apps": (path("metadata", "labels"),),
    "customresourcedefinitions.apiextensions.k8s.io": (path("metadata"),),
}


# In-process clients whose user does not tell the program.
PROGRAMS = {"system:nodes": "kubelet", "system:orrery:bootstrap": "kubeadm"}


@lru_cache(maxsize=1024)
def ignored(resource: Resource, subresource: str, has_status: bool) -> FieldSet:
    """What a write there resets, so that nobody comes to own it by it (resetFields)."""
    if subresource == "status":
        return FieldSet.of([path("spec"), *STATUS_IGNORES.get(resource.id, ())])
    if subresource == "approval":
        return FieldSet.of([path("spec")])
    return FieldSet.of([path("status")]) if has_status else EMPTY


def manager_of(operation: Operation) -> str:
    """The name that a write's entry carries."""
    return operation.options.field_manager or component_name(operation.user)


@lru_cache(maxsize=4096)
def component_name(user: User) -> str:
    """The program behind an in-process client: what its User-Agent would begin with."""
    name = user.name
    if name in PROGRAMS:
        return PROGRAMS[name]
    if name.startswith("system:node:"):
        return "kubelet"
    if name.startswith("system:serviceaccount:kube-system:") and name.endswith("-controller"):
        return "kube-controller-manager"
    if name.startswith("system:apiserver"):
        return "kube-apiserver"
    return name.rpartition(":")[2] or "unknown"


def field_manager(resource: Resource, subresource: str, has_status: bool) -> FieldManager:
    fields = ignored(resource, subresource, has_status)
    versions = KindVersions(types(), resource.kind, _converter(resource))
    version = resource.api_version
    return FieldManager(versions, version, subresource, {version: fields} if fields else {})


def _converter(resource: Resource) -> Convert | None:
    """Between versions that differ; None where they differ in nothing but their name."""
    if resource.stored_as or any(r.stored_as == resource.id for r in SERVED):
        return _convert
    return None


def _convert(obj: Object, api_version: str) -> Object:
    from cluster.apiserver import conversion

    named = {(r.api_version, r.kind): r for r in SERVED}
    kind = obj.get("kind", "")
    source, target = named.get((obj.get("apiVersion", ""), kind)), named.get((api_version, kind))
    if source is None or target is None or source is target:
        return {**obj, "apiVersion": api_version}
    hub = conversion.to_stored(source, obj) if source.stored_as else obj
    return conversion.shown(target, hub) if target.stored_as else hub


def scale_manager() -> FieldManager:
    """status is read only there."""
    versions = KindVersions(types(), "Scale")
    return FieldManager(
        versions, SCALE_VERSION, "scale", {SCALE_VERSION: FieldSet.of([path("status")])}
    )


def record(ctx: Context, live: Object | None, new: Object, has_status: bool) -> None:
    """Sets the managedFields of `new`, whose metadata must be private to the operation."""
    operation = ctx.operation
    if operation.apply:
        return
    resource, name = operation.resource, manager_of(operation)
    writer = _writer(resource, operation.subresource, name, has_status)
    if writer is None:
        return
    if not operation.options.field_manager and _record_quickly(ctx, live, new, writer):
        return
    if live is not None:
        live = SHAPES.expanded(live, ctx.lookup)
    manager = field_manager(resource, operation.subresource, has_status)
    manager.update(live, new, name, _time(ctx.now))


def _writer(resource: Resource, subresource: str, name: str, has_status: bool) -> Writer | None:
    """None for a kind that nobody describes. A kind's type may change under us (CRDs)."""
    key = (resource.id, resource.version, subresource, name)
    kind = types().type_of(resource.group, resource.version, resource.kind)
    found = _writers.get(key)
    if kind is not None and (found is None or found.kind is not kind):
        manager = ManagerId(name, UPDATE, resource.api_version, subresource)
        empty = types().empty(resource.api_version, resource.kind)
        fields = ignored(resource, subresource, has_status)
        found = _writers[key] = Writer(manager, kind, fields, empty, resource is EVENTS)
    return found if kind is not None else None


_writers: dict[tuple[str, str, str, str], Writer] = {}


def _record_quickly(ctx: Context, live: Object | None, new: Object, writer: Writer) -> bool:
    """A component's write: by shape. False when it is out of the ordinary (entries in full,
    several versions, too many managers)."""
    resource = ctx.operation.resource
    meta = new["metadata"]
    sent = meta.get("managedFields")
    try:
        if live is None:
            if sent:
                return False
            meta["managedFields"] = created(new, writer, _time(ctx.now), ctx.lookup)
            return True
        before = live["metadata"].get("managedFields") or []
        if len(before) >= MAX_UPDATERS or not all(
            map(_ordinary, before, repeat(resource.api_version))
        ):
            return False
        if before:
            now = _time(ctx.now)
            meta["managedFields"] = updated(before, live, new, writer, now, ctx.lookup)
        else:
            meta.pop("managedFields", None)
    except MisfitError:
        return False
    return True


def _ordinary(entry: Object, api_version: str) -> bool:
    return is_reference(entry) and entry["apiVersion"] == api_version


def spec_fields(resource: Resource, spec: Object) -> Shared:
    """What a pod's spec, defaulted but not admitted, adds to an empty pod."""
    kind = types().type_of(resource.group, resource.version, resource.kind)
    if kind is None:
        return Shared([])
    empty = types().empty(resource.api_version, resource.kind)
    try:
        changes = changes_of(kind, {"spec": empty["spec"]}, {"spec": spec}, "status")
    except MisfitError:
        return Shared([])
    return Shared(changes.added + changes.modified)


def record_pod(ctx: Context, pod: Object, spec: Shared) -> None:
    """A pod of a template whose spec's fields are known, unless it has its entries already."""
    operation, meta = ctx.operation, pod["metadata"]
    if operation.apply or meta.get("managedFields"):
        return
    writer = _writer(operation.resource, "", manager_of(operation), True)
    if writer is None:
        return
    meta["managedFields"] = created({"metadata": meta}, writer, _time(ctx.now), ctx.lookup, spec)


@lru_cache(maxsize=256)
def _time(now: float) -> str:
    """A batch of writes has one time."""
    return format_time(now)


def record_scale(ctx: Context, live: Object, old_scale: Object, new_scale: Object) -> list[Object]:
    """The parent's entries after its Scale was written."""
    operation = ctx.operation
    parent = SHAPES.expanded(live, ctx.lookup)["metadata"].get("managedFields")
    if operation.apply:
        entries = new_scale["metadata"].get("managedFields")
    else:
        before = with_entries(old_scale, to_scale(parent))
        after = {**new_scale, "metadata": {**(new_scale.get("metadata") or {})}}
        scale_manager().update(before, after, manager_of(operation), _time(ctx.now))
        entries = after["metadata"].get("managedFields")
    return to_parent(parent, entries, operation.resource.api_version)


def with_entries(obj: Object, entries: list[Object]) -> Object:
    metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}
