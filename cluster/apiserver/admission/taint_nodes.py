"""TaintNodesByCondition: a new node takes no pods until it was seen to be ready."""

from __future__ import annotations

from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object, is_true

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def _is_ready(node: Object) -> bool:
    """Its controller would take the taint off at once."""
    return is_true((node.get("status") or {}).get("conditions"), "Ready")


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None or _is_ready(new):
        return
    spec = new.setdefault("spec", {})
    taints = spec.get("taints") or []
    wanted = (NOT_READY["key"], NOT_READY["effect"])
    if not any((t.get("key"), t.get("effect")) == wanted for t in taints):
        spec["taints"] = [*taints, dict(NOT_READY)]
