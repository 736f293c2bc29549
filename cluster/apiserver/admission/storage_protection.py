"""StorageObjectInUseProtection: what is in use is deleted when it is not any more.

The finalizers are removed by the protection controllers.
"""

from __future__ import annotations

from cluster.apiserver.resources import PERSISTENT_VOLUME_CLAIMS
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object

CLAIM, VOLUME = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None:
        return
    wanted = CLAIM if ctx.operation.resource is PERSISTENT_VOLUME_CLAIMS else VOLUME
    have = new["metadata"].get("finalizers") or []
    if wanted not in have:
        new["metadata"]["finalizers"] = [*have, wanted]
