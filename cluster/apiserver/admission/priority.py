"""Priority: a pod's number from its class. PriorityClass objects are not served yet."""

from __future__ import annotations

from cluster.apiserver.resources import PODS
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object

SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None or ctx.operation.resource is not PODS:
        return
    spec = new["spec"]
    name = spec.get("priorityClassName", "")
    if name and name not in SYSTEM_CLASSES:
        pod = new["metadata"].get("name", "")
        why = f"no PriorityClass with name {name} was found"
        raise errors.forbidden("pods", "", pod, why)
    wanted = SYSTEM_CLASSES.get(name, 0)
    given = spec.get("priority")
    if given is not None and given != wanted:
        pod = new["metadata"].get("name", "")
        why = (
            f"the integer value of priority ({given}) must not be provided in pod spec; priority "
            f"admission controller computed {wanted} from the given PriorityClass name"
        )
        raise errors.forbidden("pods", "", pod, why)
    spec["priority"] = wanted
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
