"""Priority: a pod's number and preemption policy come from its class.

Models plugin/pkg/admission/priority.
"""

from __future__ import annotations

from cluster.apiserver.resources import PODS, PRIORITY_CLASSES
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object, name_of

# Known even before their objects are there: the control plane's own pods need them.
SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
PREEMPT = "PreemptLowerPriority"


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None or ctx.operation.resource is not PODS:
        return
    spec = new["spec"]
    name = spec.get("priorityClassName", "")
    wanted, policy = 0, PREEMPT
    if name:
        found = ctx.lookup.policies.find(PRIORITY_CLASSES, "", name)
        if found is None and name not in SYSTEM_CLASSES:
            raise _refused(new, f"no PriorityClass with name {name} was found")
        wanted = found["value"] if found else SYSTEM_CLASSES[name]
        policy = found.get("preemptionPolicy", PREEMPT) if found else PREEMPT
    elif default := _default(ctx):
        wanted, policy = default["value"], default.get("preemptionPolicy", PREEMPT)
        spec["priorityClassName"] = name_of(default)
    _set(new, wanted, policy)


def _default(ctx: Context) -> Object | None:
    """The global default; the lowest of several."""
    found = [c for c in ctx.lookup.policies.list(PRIORITY_CLASSES) if c.get("globalDefault")]
    return min(found, key=lambda c: int(c["value"]), default=None)


def _set(pod: Object, wanted: int, policy: str) -> None:
    spec = pod["spec"]
    given = spec.get("priority")
    if given is not None and given != wanted:
        why = (
            f"the integer value of priority ({given}) must not be provided in pod spec; priority "
            f"admission controller computed {wanted} from the given PriorityClass name"
        )
        raise _refused(pod, why)
    spec["priority"] = wanted
    given = spec.get("preemptionPolicy")
    if given is not None and given != policy:
        why = (
            f"the string value of PreemptionPolicy ({given}) must not be provided in pod spec; "
            f"priority admission controller computed {policy} from the given PriorityClass name"
        )
        raise _refused(pod, why)
    spec["preemptionPolicy"] = policy


def validate(ctx: Context, new: Object | None, old: Object | None) -> None:
    """Only one class is the global default."""
    if new is None or ctx.operation.resource is not PRIORITY_CLASSES:
        return
    if not new.get("globalDefault") or (old is not None and old.get("globalDefault")):
        return
    default = _default(ctx)
    if default is not None and name_of(default) != name_of(new):
        text = "is already marked as default. Only one default can exist"
        why = f"PriorityClass {name_of(default)} {text}"
        raise errors.forbidden("priorityclasses", "scheduling.k8s.io", name_of(new), why)


def _refused(pod: Object, why: str) -> errors.StatusError:
    """A name that was generated a moment ago is nobody's business yet."""
    meta = pod["metadata"]
    return errors.forbidden("pods", "", meta.get("generateName") or meta.get("name", ""), why)
