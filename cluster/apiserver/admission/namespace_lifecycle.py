"""NamespaceLifecycle: nothing is created in a namespace that is missing or on its way out."""

from __future__ import annotations

from cluster.apiserver.resources import NAMESPACES
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object

IMMORTAL = ("default", "kube-system", "kube-public")


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    op = ctx.operation
    if new is None:
        if op.resource is NAMESPACES and op.name in IMMORTAL:
            raise errors.forbidden("namespaces", "", op.name, "this namespace may not be deleted")
        return
    if old is not None or not op.resource.namespaced or op.namespace in IMMORTAL:
        return
    namespace = ctx.lookup.policies.find(NAMESPACES, "", op.namespace)
    if namespace is None:
        raise errors.not_found("namespaces", "", op.namespace)
    if "deletionTimestamp" in namespace["metadata"]:
        raise _terminating(ctx, new)


def _terminating(ctx: Context, new: Object) -> errors.StatusError:
    op = ctx.operation
    name = op.name or new["metadata"].get("generateName", "")
    why = f"unable to create new content in namespace {op.namespace} because it is being terminated"
    error = errors.forbidden(op.resource.plural, op.resource.group, name, why)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {op.namespace} is being terminated",
        "field": "metadata.namespace",
    }
    error.details = {**(error.details or {}), "causes": [cause]}
    return error
