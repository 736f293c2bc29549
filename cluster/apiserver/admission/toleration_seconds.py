"""DefaultTolerationSeconds: a pod stays 300 s on a node that is not ready or unreachable."""

from __future__ import annotations

from cluster.apiserver.resources import PODS
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object

KEYS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
SECONDS = 300


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or ctx.operation.resource is not PODS or ctx.operation.subresource:
        return
    tolerations = new["spec"].get("tolerations") or []
    missing = [key for key in KEYS if not any(_covers(t, key) for t in tolerations)]
    if missing:
        new["spec"]["tolerations"] = tolerations + [
            {"key": k, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
            for k in missing
        ]


def _covers(toleration: Object, key: str) -> bool:
    same_key = toleration.get("key", "") in (key, "")
    return same_key and toleration.get("effect", "") in ("NoExecute", "")
