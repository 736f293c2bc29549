"""One operation against one current object: the transaction that would carry it out.

Pure but for what the strategy looks up. Models rest.BeforeCreate, BeforeUpdate, BeforeDelete and
the delete path of registry/store.go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cluster.apiserver import codec
from cluster.apiserver.authz import Attributes
from cluster.apiserver.managed import hook
from cluster.apiserver.managed.entries import without_times
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.operations import Beside
from cluster.apiserver.policies import POLICIES, TOUCH
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Context, Strategy
from cluster.etcd.api import Delete, Guard, Put, Txn
from cluster.machinery import errors
from cluster.machinery.clock import format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

# Set by the server alone; an update cannot change them.
SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
NOT_BY_CLIENTS = frozenset((*SERVER_OWNED, "resourceVersion"))
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Current:
    obj: Object
    revision: int


@dataclass(slots=True)
class Prepared:
    """`txn` is None when nothing needs to be written. `final`: a failed `guard` is the caller's
    answer, not a reason to try again."""

    ctx: Context
    result: Object
    txn: Txn | None = None
    guard: Guard | None = None
    final: bool = False

    def finish(self, revision: int) -> Object:
        """The object as it is after the commit; 0 leaves its version as it is (nothing written)."""
        if revision:
            self.result["metadata"] = {**self.result["metadata"], "resourceVersion": str(revision)}
        return self.result

    def refused(self, actual: int) -> StatusError:
        op = self.ctx.operation
        if op.verb == "create" and not op.subresource:
            name = self.result["metadata"]["name"]
            return errors.already_exists(op.resource.plural, op.resource.group, name)
        if actual == 0:
            return errors.not_found(op.resource.plural, op.resource.group, op.name)
        return errors.conflict(op.resource.plural, op.resource.group, op.name)


def prepare(ctx: Context, strategy: Strategy, current: Current | None) -> Prepared:
    """Raises StatusError."""
    op = ctx.operation
    if op.resource in POLICIES and op.subresource != "status":
        ctx.ops_if_written.append(TOUCH)
    if strategy.ttl and op.verb != "delete":
        ctx.lease = ctx.lookup.lease_for(strategy.ttl)
    if op.verb == "create" and not op.subresource:
        return _create(ctx, strategy)
    if current is None:
        if op.apply and op.transform is not None and not op.subresource:
            _may_create(ctx)
            op = ctx.operation = replace(op, body=op.transform({}))
            return _create(ctx, strategy)
        if op.verb == "update" and strategy.allow_create_on_update and op.body is not None:
            _may_create(ctx)
            return _create(ctx, strategy)
        raise errors.not_found(op.resource.plural, op.resource.group, op.name)
    if op.verb == "delete":
        return _delete(ctx, strategy, current)
    return _update(ctx, strategy, current)


def _may_create(ctx: Context) -> None:
    """A write that turns out to create needs that right, too. Models withAuthorization."""
    op = ctx.operation
    if op.authorizer is not None:
        resource = op.resource
        asked = Attributes(
            "create", resource.group, resource.version, resource.plural, "", op.namespace, op.name
        )
        op.authorizer.authorize(op.user, asked)


def _create(ctx: Context, strategy: Strategy) -> Prepared:
    op, resource = ctx.operation, ctx.operation.resource
    assert op.body is not None
    obj = _typed(resource, op.body)
    obj["metadata"] = meta = dict(op.body.get("metadata") or {})
    if meta.get("resourceVersion"):
        raise errors.bad_request("resourceVersion should not be set on objects to be created")
    _place(ctx, meta)
    generated = not meta.get("name") and bool(meta.get("generateName"))
    if generated:
        meta["name"] = ctx.entropy.generated_name(meta["generateName"])
    if not NOT_BY_CLIENTS.isdisjoint(meta):
        for field in NOT_BY_CLIENTS.intersection(meta):
            del meta[field]
    meta["uid"] = ctx.entropy.uid()
    meta["creationTimestamp"] = format_time(ctx.now)
    obj = strategy.create(ctx, obj)
    key = resource.key(op.namespace, obj["metadata"]["name"])
    guard = Guard(key, 0)
    put = Put(key, codec.encode(resource, obj, ctx.fragments), ctx.lease)
    txn = Txn((guard, *ctx.guards), (put, *ctx.ops, *ctx.ops_if_written), op.origin)
    return Prepared(ctx, obj, txn, guard, final=not generated)


def _typed(resource: Resource, body: Object) -> Object:
    """A new object with apiVersion and kind first, and those of the resource."""
    obj: Object = {"apiVersion": "", "kind": "", **body}
    obj["apiVersion"] = resource.api_version
    obj["kind"] = resource.kind
    return obj


def _place(ctx: Context, meta: Object) -> None:
    """The object lies where the request's path says. Models EnsureObjectNamespaceMatchesRequest."""
    op = ctx.operation
    if not op.resource.namespaced:
        meta.pop("namespace", None)
        return
    if meta.get("namespace", op.namespace) != op.namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    meta["namespace"] = op.namespace


def _check_preconditions(ctx: Context, current: Current) -> None:
    op = ctx.operation
    have = current.obj["metadata"]
    if op.options.uid and op.options.uid != have.get("uid"):
        why = (
            f"Precondition failed: UID in precondition: {op.options.uid}, "
            f"UID in object meta: {have.get('uid', '')}"
        )
        raise errors.conflict(op.resource.plural, op.resource.group, op.name, why)
    wanted = op.options.resource_version
    if wanted and wanted != str(current.revision):
        why = (
            f"Precondition failed: ResourceVersion in precondition: {wanted}, "
            f"ResourceVersion in object meta: {current.revision}"
        )
        raise errors.conflict(op.resource.plural, op.resource.group, op.name, why)


def _update(ctx: Context, strategy: Strategy, current: Current) -> Prepared:
    op, old = ctx.operation, current.obj
    _check_preconditions(ctx, current)
    wanted = _wanted(ctx, strategy, old)
    meta = dict(wanted.get("metadata") or {})
    pinned = _check_version(ctx, strategy, meta, current)
    new = _typed(op.resource, wanted)
    new["metadata"] = meta
    if not op.subresource or op.subresource == "status":
        _place(ctx, meta)
        _keep_owned(meta, old["metadata"])
    if op.subresource:
        new = _put(ctx, strategy, new, old)
    else:
        new = strategy.update(ctx, new, old)
    return _store_update(ctx, strategy, new, current, pinned)


def _put(ctx: Context, strategy: Strategy, new: Object, old: Object) -> Object:
    """A write to a subresource, and who owns what it wrote."""
    from cluster.apiserver.admission import ask_others

    op = ctx.operation
    if op.subresource == "scale":
        out = strategy.put(ctx, op.subresource, new, old)
        scale = strategy.view(ctx, "scale", old)
        return hook.with_entries(out, hook.record_scale(ctx, old, scale, new))
    if op.subresource not in hook.TRACKED:
        out = strategy.put(ctx, op.subresource, new, old)
        ask_others(ctx, out, old)
        return out
    hook.record(ctx, old, new, strategy.has_status)
    out = strategy.put(ctx, op.subresource, new, old)
    ask_others(ctx, out, old)
    return hook.with_entries(out, new["metadata"].get("managedFields"))


def _wanted(ctx: Context, strategy: Strategy, old: Object) -> Object:
    op = ctx.operation
    if op.transform is None:
        assert op.body is not None
        return op.body
    if op.options.field_manager:
        old = ctx.shown = SHAPES.expanded(old, ctx.lookup)
    if not op.subresource:
        return op.transform(old)
    shown = strategy.view(ctx, op.subresource, old)
    if op.subresource == "scale":
        shown = hook.with_entries(shown, hook.scale_entries(op.resource, old))
    return op.transform(shown)


def _check_version(ctx: Context, strategy: Strategy, meta: Object, current: Current) -> bool:
    """True when the caller insists on a version. Raises 409 on another one."""
    op = ctx.operation
    wanted = meta.get("resourceVersion") or ""
    uid = meta.get("uid")
    have = current.obj["metadata"].get("uid")
    if uid and uid != have:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {have}"
        raise errors.conflict(op.resource.plural, op.resource.group, op.name, why)
    if wanted in ("", "0"):
        if op.verb == "update" and not strategy.allow_unconditional_update and not op.subresource:
            cause = errors.invalid_value(
                "metadata.resourceVersion", 0, "must be specified for an update"
            )
            raise errors.invalid(op.resource.kind, op.resource.group, op.name, [cause])
        return False
    if wanted != str(current.revision):
        raise errors.conflict(op.resource.plural, op.resource.group, op.name)
    # A patch is computed from the object it read: its version is pinned only if the patch set it.
    return op.transform is None or wanted != current.obj["metadata"].get("resourceVersion")


def _keep_owned(meta: Object, old: Object) -> None:
    for field in SERVER_OWNED:
        if field in old:
            meta[field] = old[field]
        else:
            meta.pop(field, None)
    meta.setdefault("name", old["name"])
    if "generateName" in old:
        meta.setdefault("generateName", old["generateName"])
    if "generation" in old:
        meta["generation"] = old["generation"]


def _store_update(
    ctx: Context, strategy: Strategy, new: Object, current: Current, pinned: bool
) -> Prepared:
    op, resource = ctx.operation, ctx.operation.resource
    meta = new["metadata"]
    meta["resourceVersion"] = str(current.revision)
    key = resource.key(op.namespace, op.name)
    guard = Guard(key, current.revision)
    guards = (guard, *ctx.guards)
    if _finished_terminating(meta) and not strategy.held(new):
        txn = Txn(guards, (Delete(key), *ctx.ops, *ctx.ops_if_written), op.origin)
        return Prepared(ctx, new, txn, guard, pinned)
    if _same(new, current.obj) and not ctx.ops:
        return Prepared(ctx, new)
    put = Put(key, codec.encode(resource, new, ctx.fragments), ctx.lease)
    ops = (put, *ctx.ops, *ctx.ops_if_written)
    if op.beside is not None:
        ops = (*ops, _beside(ctx, op.beside))
    return Prepared(ctx, new, Txn(guards, ops, op.origin), guard, pinned)


def _beside(ctx: Context, beside: Beside) -> Put:
    meta = beside.obj["metadata"]
    key = beside.resource.key(meta.get("namespace", ""), meta["name"])
    lease = ctx.lookup.lease_for(beside.ttl) if beside.ttl else 0
    return Put(key, codec.encode(beside.resource, beside.obj), lease)


def _same(new: Object, old: Object) -> bool:
    """An update that changes nothing is not written, as upstream."""
    for field, value in new.items():
        if field != "metadata" and value != old.get(field):
            return False
    return new.keys() == old.keys() and _comparable(new) == _comparable(old)


def _comparable(obj: Object) -> Object:
    """Metadata without what alone makes no change: the version, and when an owner last wrote."""
    meta = {**obj["metadata"], "resourceVersion": ""}
    if "managedFields" in meta:
        meta["managedFields"] = without_times(meta["managedFields"])
    return meta


def _finished_terminating(meta: Object) -> bool:
    """Models deletion by an update that removes the last finalizer."""
    return (
        bool(meta.get("deletionTimestamp"))
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
    )


def _delete(ctx: Context, strategy: Strategy, current: Current) -> Prepared:
    from cluster.apiserver.admission import admit, validate

    op, old = ctx.operation, current.obj
    _check_preconditions(ctx, current)
    admit(ctx, None, old)
    validate(ctx, None, old)
    if op.subresource:
        old = strategy.ask_before_delete(ctx, op.subresource, old)
    strategy.prepare_for_delete(ctx, old)
    final = bool(op.options.resource_version)
    grace = strategy.grace(ctx, old)
    finalizers = _finalizers(ctx, strategy, old)
    guard = Guard(op.resource.key(op.namespace, op.name), current.revision)
    if not finalizers and grace == 0 and not strategy.held(old):
        txn = Txn(
            (guard, *ctx.guards), (Delete(guard.key), *ctx.ops, *ctx.ops_if_written), op.origin
        )
        return Prepared(ctx, {**old}, txn, guard, final)
    meta = _terminating(ctx, old["metadata"], grace, finalizers)
    if meta == old["metadata"] and not op.subresource:
        return Prepared(ctx, {**old})
    new = strategy.begin_termination({**old, "metadata": meta})
    put = Put(guard.key, codec.encode(op.resource, new))
    # What is released by the deletion itself waits for it; what an eviction writes does not.
    more = ctx.ops if op.subresource else ()
    return Prepared(
        ctx,
        new,
        Txn((guard, *ctx.guards), (put, *more, *ctx.ops_if_written), op.origin),
        guard,
        final,
    )


def _terminating(ctx: Context, old: Object, grace: int, finalizers: list[str]) -> Object:
    """Metadata of an object that has begun to go; a later, longer grace changes nothing."""
    meta: dict[str, Any] = {**old}
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)
    if "deletionTimestamp" not in old:
        meta["deletionTimestamp"] = format_time(ctx.now + grace)
        meta["deletionGracePeriodSeconds"] = grace
        if "generation" in old:
            meta["generation"] = old["generation"] + 1
    elif grace < old.get("deletionGracePeriodSeconds", 0):
        meta["deletionTimestamp"] = format_time(ctx.now + grace)
        meta["deletionGracePeriodSeconds"] = grace
    return meta


def _finalizers(ctx: Context, strategy: Strategy, old: Object) -> list[str]:
    """Models deletionFinalizersForGarbageCollection."""
    have = list(old["metadata"].get("finalizers") or ())
    wish = ctx.operation.options.propagation
    policy = wish or (
        "Orphan"
        if ORPHAN in have
        else "Foreground"
        if FOREGROUND in have
        else strategy.default_propagation()
    )
    out = [f for f in have if f not in (ORPHAN, FOREGROUND)]
    if policy == "Orphan":
        out.append(ORPHAN)
    elif policy == "Foreground":
        out.append(FOREGROUND)
    return out
