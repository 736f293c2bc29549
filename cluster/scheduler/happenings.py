"""Which actions a changed object stands for, as finely as plugins tell them apart.

Models pkg/scheduler/framework/events.go (NodeSchedulingPropertiesChange,
PodSchedulingPropertiesChange).
"""

from __future__ import annotations

from cluster.machinery.meta import Object, labels_of
from cluster.scheduler.cache.resources import pod_requests
from cluster.scheduler.framework import Action

NOTHING = Action(0)


def node_change(old: Object, new: Object) -> Action:
    out = NOTHING
    old_spec, new_spec = old.get("spec") or {}, new.get("spec") or {}
    old_status, new_status = old.get("status") or {}, new.get("status") or {}
    if old_spec.get("unschedulable") != new_spec.get("unschedulable"):
        out |= Action.UPDATE_TAINT
    if (old_spec.get("taints") or []) != (new_spec.get("taints") or []):
        out |= Action.UPDATE_TAINT
    if labels_of(old) != labels_of(new):
        out |= Action.UPDATE_NODE_LABEL
    if old_status.get("allocatable") != new_status.get("allocatable"):
        out |= Action.UPDATE_ALLOCATABLE
    if _statuses(old_status) != _statuses(new_status):
        out |= Action.UPDATE_CONDITION
    return out


def _statuses(status: Object) -> dict[str, str]:
    return {c["type"]: c["status"] for c in status.get("conditions") or ()}


def pod_change(old: Object, new: Object) -> Action:
    out = NOTHING
    if labels_of(old) != labels_of(new):
        out |= Action.UPDATE_POD_LABEL
    old_spec, new_spec = old["spec"], new["spec"]
    if old_spec == new_spec:
        return out
    if old_spec.get("tolerations") != new_spec.get("tolerations"):
        out |= Action.UPDATE_TOLERATIONS
    if old_spec.get("schedulingGates") and not new_spec.get("schedulingGates"):
        out |= Action.GATES_ELIMINATED
    before, after = pod_requests(old_spec), pod_requests(new_spec)
    if any(after.get(resource, 0) < amount for resource, amount in before.items()):
        out |= Action.SCALE_DOWN
    return out
