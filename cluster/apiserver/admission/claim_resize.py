"""PersistentVolumeClaimResize: a claim grows only where its storage class can make it grow."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.resources import STORAGE_CLASSES
from cluster.apiserver.strategy import Context
from cluster.machinery import errors, quantity
from cluster.machinery.meta import Object

NOT_BOUND = "Only bound persistent volume claims can be expanded"
NOT_DYNAMIC = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc "
    "must support resize"
)


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is None:
        return
    before, after = _storage(old), _storage(new)
    if before is None or after is None or quantity.parse(after) <= quantity.parse(before):
        return
    why = ""
    if (old.get("status") or {}).get("phase") != "Bound":
        why = NOT_BOUND
    elif not _expandable(ctx, new):
        why = NOT_DYNAMIC
    if why:
        name = new["metadata"]["name"]
        raise errors.forbidden("persistentvolumeclaims", "", name, why)


def _storage(claim: Object) -> str | None:
    found: Any = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage")
    return None if found is None else str(found)


def _expandable(ctx: Context, claim: Object) -> bool:
    name = claim["spec"].get("storageClassName")
    found = ctx.lookup.policies.find(STORAGE_CLASSES, "", name) if name else None
    return found is not None and bool(found.get("allowVolumeExpansion"))
