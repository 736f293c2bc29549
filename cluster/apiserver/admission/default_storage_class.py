"""DefaultStorageClass: a claim that names no class gets the default one, if there is one."""

from __future__ import annotations

from cluster.apiserver.resources import STORAGE_CLASSES
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object, annotations_of

LEGACY = "volume.beta.kubernetes.io/storage-class"
DEFAULT = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None:
        return
    if new["spec"].get("storageClassName") is not None or LEGACY in annotations_of(new):
        return
    found = newest_default(ctx.lookup.policies.list(STORAGE_CLASSES), DEFAULT)
    if found:
        new["spec"]["storageClassName"] = found


def newest_default(classes: list[Object], marks: tuple[str, ...]) -> str:
    """The name of the class marked as default; the newest of several, then the first by name."""
    marked = [c for c in classes if any(annotations_of(c).get(m) == "true" for m in marks)]
    if not marked:
        return ""
    latest = max(c["metadata"].get("creationTimestamp", "") for c in marked)
    ties = (c for c in marked if c["metadata"].get("creationTimestamp", "") == latest)
    return str(min(c["metadata"]["name"] for c in ties))
