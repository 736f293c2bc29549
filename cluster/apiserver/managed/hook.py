"""Where the registry records owners: once per write, between defaulting and admission.

What admission and strategies change afterwards is nobody's, as upstream. Components write through
the same door; their manager is the program they stand for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.managed.entries import MAX_UPDATERS, UPDATE
from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet, Path, path
from cluster.apiserver.managed.hot import created, updated
from cluster.apiserver.managed.manager import Convert, FieldManager, KindVersions
from cluster.apiserver.managed.programs import manager_of
from cluster.apiserver.managed.scale import REPLICAS, SCALE_VERSION, to_parent, to_scale
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.managed.sources import Types, types
from cluster.apiserver.managed.typed import MisfitError
from cluster.apiserver.managed.updater import ManagerId
from cluster.apiserver.managed.writer import Keep, Shared, Writer, changes_of
from cluster.apiserver.operations import Operation
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


WRITERS = 2_048  # anybody may come with a name of their own


@lru_cache(maxsize=1024)
def ignored(resource: Resource, subresource: str, has_status: bool) -> FieldSet:
    """What a write there resets, so that nobody comes to own it by it (resetFields)."""
    if subresource == "status" and isinstance(resource, CustomResource):
        return FieldSet.of([path("metadata"), path("spec")])
    if subresource == "status":
        return FieldSet.of([path("spec"), *STATUS_IGNORES.get(resource.id, ())])
    if subresource == "approval":
        return FieldSet.of([path("spec")])
    return FieldSet.of([path("status")]) if has_status else EMPTY


def types_of(resource: Resource) -> Types:
    """A custom resource knows its own."""
    return resource.types if isinstance(resource, CustomResource) else types()


def field_manager(resource: Resource, subresource: str, has_status: bool) -> FieldManager:
    fields = ignored(resource, subresource, has_status)
    converter = None if isinstance(resource, CustomResource) else _converter(resource)
    versions = KindVersions(types_of(resource), resource.kind, converter)
    version = resource.api_version
    return FieldManager(versions, version, subresource, {version: fields} if fields else {})


@lru_cache(maxsize=256)
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
    resource, name = operation.resource, manager_of(operation)
    if operation.apply:
        _put(new, _restored(ctx, live, new["metadata"].get("managedFields")))
        return
    if operation.version is not None:
        _record_version(ctx, live, new, operation.version, has_status)
        return
    writer = _writer(resource, operation.subresource, name, has_status)
    if writer is None or _record_quickly(ctx, live, new, writer):
        return
    manager = field_manager(resource, operation.subresource, has_status)
    manager.update(live and _shown(ctx, live), new, name, _time(ctx.now))
    _put(new, _restored(ctx, live, new["metadata"].get("managedFields")))


def _record_version(
    ctx: Context, live: Object | None, new: Object, version: Resource, has_status: bool
) -> None:
    """What was written in another version than the stored one is owned in terms of that."""
    from cluster.apiserver import conversion

    operation = ctx.operation
    before = None if live is None else conversion.shown(version, _shown(ctx, live))
    after = conversion.shown(version, new)
    after["metadata"] = {**after["metadata"]}
    manager = field_manager(version, operation.subresource, has_status)
    manager.update(before, after, manager_of(operation), _time(ctx.now))
    new["metadata"].pop("managedFields", None)
    _put(new, _restored(ctx, live, after["metadata"].get("managedFields")))


def _shown(ctx: Context, live: Object) -> Object:
    """With all sets in full, as clients know it."""
    return ctx.shown if ctx.shown is not None else SHAPES.expanded(live, ctx.lookup)


def _restored(ctx: Context, live: Object | None, entries: Any) -> Any:
    """Entries that are as they were, by reference as they were."""
    before = (live or {}).get("metadata", {}).get("managedFields")
    if live is None or not entries or not before:
        return entries
    full = _shown(ctx, live)["metadata"]["managedFields"]
    return [before[full.index(e)] if e in full else e for e in entries]


def _put(obj: Object, entries: Any) -> None:
    if entries:
        obj["metadata"]["managedFields"] = entries


def _writer(resource: Resource, subresource: str, name: str, has_status: bool) -> Writer | None:
    """None for a kind that nobody describes. A kind's type may change under us (CRDs)."""
    key = (resource.id, resource.version, subresource, name)
    kind = types_of(resource).type_of(resource.group, resource.version, resource.kind)
    found = _writers.get(key)
    if len(_writers) > WRITERS:
        _writers.clear()
    if kind is not None and (found is None or found.kind is not kind):
        manager = ManagerId(name, UPDATE, resource.api_version, subresource)
        empty = types_of(resource).empty(resource.api_version, resource.kind)
        fields = ignored(resource, subresource, has_status)
        found = _writers[key] = Writer(manager, kind, fields, empty, resource is EVENTS)
    return found if kind is not None else None


_writers: dict[tuple[str, str, str, str], Writer] = {}


def _record_quickly(ctx: Context, live: Object | None, new: Object, writer: Writer) -> bool:
    """By shape. False when it is out of the ordinary: several versions, too many managers, a
    client that writes managedFields itself."""
    operation, meta = ctx.operation, new["metadata"]
    sent = meta.get("managedFields")
    try:
        if live is None:
            if sent is not None:
                return False
            now, keep = _time(ctx.now), _keeping(operation)
            meta["managedFields"] = created(new, writer, now, ctx.lookup, None, keep)
            return True
        before = live["metadata"].get("managedFields") or []
        if len(before) >= MAX_UPDATERS or _rewritten(ctx, live, sent, before):
            return False
        if any(entry["apiVersion"] != operation.resource.api_version for entry in before):
            return False
        if before:
            now, keep = _time(ctx.now), _keeping(operation)
            found = updated(before, live, new, writer, now, ctx.lookup, keep)
            meta["managedFields"] = found
        else:
            meta.pop("managedFields", None)
    except (MisfitError, ValueError):
        return False
    return True


def _rewritten(ctx: Context, live: Object, sent: Any, before: list[Object]) -> bool:
    """Does the request change managedFields? A subresource cannot."""
    if sent is None or sent is before or ctx.operation.subresource:
        return False
    return bool(sent != before and sent != _shown(ctx, live)["metadata"].get("managedFields"))


def _keeping(operation: Operation) -> Keep:
    if operation.options.dry_run:
        return Keep.NEVER
    return Keep.AGAIN if operation.options.field_manager else Keep.ALWAYS


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
    parent = _shown(ctx, live)["metadata"].get("managedFields")
    if operation.apply:
        entries = new_scale["metadata"].get("managedFields")
    else:
        before = with_entries(old_scale, to_scale(parent, replicas_path(operation.resource)))
        changed = {**new_scale, "metadata": {**(new_scale.get("metadata") or {})}}
        scale_manager().update(before, changed, manager_of(operation), _time(ctx.now))
        entries = changed["metadata"].get("managedFields")
    resource = operation.resource
    after = to_parent(parent, entries, resource.api_version, replicas_path(resource))
    return cast(list[Object], _restored(ctx, live, after))


def scale_entries(resource: Resource, obj: Object) -> list[Object]:
    """What its Scale shows of an object's managers."""
    return to_scale(obj["metadata"].get("managedFields"), replicas_path(resource))


def replicas_path(resource: Resource) -> Path:
    if isinstance(resource, CustomResource) and resource.version_info.scale:
        return path(*resource.version_info.scale["specReplicasPath"].lstrip(".").split("."))
    return REPLICAS


def with_entries(obj: Object, entries: list[Object]) -> Object:
    metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}
