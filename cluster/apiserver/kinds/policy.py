"""PodDisruptionBudgets. Models pkg/apis/policy and registry/policy/poddisruptionbudget."""

from __future__ import annotations

from cluster.apiserver.kinds.amounts import at_most_hundred_percent, int_or_percent
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, Verbatim, as_struct, invalid_value, not_supported
from cluster.machinery.meta import Object

POLICIES = ("AlwaysAllow", "IfHealthyBudget")
COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def _internal(spec: Object) -> Verbatim:
    """As upstream prints it: its internal type has no JSON names."""
    fields = ("minAvailable", "selector", "maxUnavailable", "unhealthyPodEvictionPolicy")
    return as_struct({f[0].upper() + f[1:]: spec.get(f) for f in fields})


class PodDisruptionBudgets(WithStatus):
    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = dict.fromkeys(COUNTS, 0)

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            text = "minAvailable and maxUnavailable cannot be both set"
            causes.append(invalid_value("spec", _internal(spec), text))
        for field in ("minAvailable", "maxUnavailable"):
            value = spec.get(field)
            if value is not None:
                causes += int_or_percent(value, f"spec.{field}")
                causes += at_most_hundred_percent(value, f"spec.{field}")
        if spec.get("selector"):
            causes += check_label_selector(spec["selector"], "spec.selector")
        policy = spec.get("unhealthyPodEvictionPolicy")
        if policy is not None and policy not in POLICIES:
            causes.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, POLICIES))
        return causes

    def validate_status(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        status = new.get("status") or {}
        return [
            invalid_value(f"status.{f}", status[f], "must be greater than or equal to 0")
            for f in COUNTS
            if status.get(f, 0) < 0
        ]
