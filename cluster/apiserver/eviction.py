"""pods/eviction: a deletion that asks the disruption budgets first.

The budget's own bookkeeping (disruptionsAllowed down, the pod into disruptedPods) happens in the
transaction that deletes the pod, on condition that nobody changed the budget meanwhile.
Models pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from cluster.apiserver import codec
from cluster.apiserver.resources import POD_DISRUPTION_BUDGETS
from cluster.apiserver.strategy import Context
from cluster.etcd.api import Guard, Put
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, StatusError, forbidden, too_many_requests
from cluster.machinery.meta import (
    Object,
    condition,
    is_true,
    labels_of,
    name_of,
    namespace_of,
    set_condition,
)
from cluster.machinery.selectors import from_label_selector

SEVERAL = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
MAX_DISRUPTED = 2000
RETRY_SECONDS = 10
TARGET = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}


def evict(ctx: Context, pod: Object) -> Object:
    """The pod with the condition that says why it goes; guards and writes for its budget are
    added to the operation. Raises StatusError."""
    if not _is_free(pod):
        budgets = [b for b in ctx.lookup.list_all(POD_DISRUPTION_BUDGETS, namespace_of(pod))
                   if _selects(b, pod)]  # fmt: skip
        if len(budgets) > 1:
            raise StatusError(500, "", SEVERAL)
        for budget in budgets:
            _consult(ctx, budget, pod)
    status = pod.get("status", {})
    conditions = set_condition(status.get("conditions"), TARGET, ctx.now)
    return {**pod, "status": {**status, "conditions": conditions}}


def _is_free(pod: Object) -> bool:
    """Models canIgnorePDB."""
    phase = pod.get("status", {}).get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or bool(
        pod["metadata"].get("deletionTimestamp")
    )


def _selects(budget: Object, pod: Object) -> bool:
    """Without a selector it selects nothing, with an empty one everything."""
    selector = budget["spec"].get("selector")
    return selector is not None and from_label_selector(selector).matches(labels_of(pod))


def _consult(ctx: Context, budget: Object, pod: Object) -> None:
    status = budget.get("status") or {}
    healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if not is_true(pod.get("status", {}).get("conditions"), "Ready"):
        policy = budget["spec"].get("unhealthyPodEvictionPolicy")
        if policy == "AlwaysAllow" or (healthy >= needed and needed > 0):
            return
    key = POD_DISRUPTION_BUDGETS.key(namespace_of(budget), name_of(budget))
    updated = {**budget, "status": _decremented(ctx, budget, name_of(pod))}
    ctx.guards.append(Guard(key, int(budget["metadata"]["resourceVersion"])))
    meta = {k: v for k, v in budget["metadata"].items() if k != "resourceVersion"}
    body = codec.encode(POD_DISRUPTION_BUDGETS, {**updated, "metadata": meta})
    ctx.ops.append(Put(key, body))


def _decremented(ctx: Context, budget: Object, pod: str) -> Object:
    """Models checkAndDecrement."""
    status, name = budget.get("status") or {}, name_of(budget)
    allowed = status.get("disruptionsAllowed", 0)
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 1):
        text = f"The disruption budget {name} is still being processed by the server."
        raise _too_many(text, RETRY_SECONDS)
    if allowed < 0:
        raise _forbidden(name, "pdb disruptions allowed is negative")
    if len(status.get("disruptedPods") or {}) > MAX_DISRUPTED:
        text = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise _forbidden(name, text)
    if allowed == 0:
        raise _too_many(_why(budget, status))
    disrupted = {**(status.get("disruptedPods") or {}), pod: format_time(ctx.now)}
    out = {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": disrupted}
    if allowed == 1:
        out["conditions"] = allowed_condition(budget, out, ctx.now)
    return out


def _why(budget: Object, status: Object) -> str:
    found = condition(status.get("conditions"), "DisruptionAllowed") or {}
    if found.get("status") == "False" and found.get("reason") == "SyncFailed":
        return (
            f"The disruption budget {name_of(budget)} does not allow evicting pods currently "
            f"because it failed sync: {found.get('message', '')}"
        )
    return (
        f"The disruption budget {name_of(budget)} needs {status.get('desiredHealthy', 0)} healthy "
        f"pods and has {status.get('currentHealthy', 0)} currently"
    )


def allowed_condition(budget: Object, status: Object, now: float) -> list[Object]:
    """Models UpdateDisruptionAllowedCondition."""
    enough = status["disruptionsAllowed"] > 0
    new = {
        "type": "DisruptionAllowed",
        "status": "True" if enough else "False",
        "observedGeneration": budget["metadata"].get("generation", 1),
        "reason": "SufficientPods" if enough else "InsufficientPods",
        "message": "",
    }
    return set_condition(status.get("conditions"), new, now)


def _too_many(text: str, retry: int = 0) -> StatusError:
    return too_many_requests(VIOLATES, retry, [Cause("", "DisruptionBudget", text)])


def _forbidden(name: str, text: str) -> StatusError:
    return forbidden("poddisruptionbudgets", "policy", name, text)
