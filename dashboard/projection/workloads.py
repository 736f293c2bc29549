"""Workloads: Deployments, DaemonSets, Jobs, and ReplicaSets that stand alone."""

from __future__ import annotations

from collections.abc import Callable

from cluster.machinery.meta import Object, annotations_of, condition, controller_of, is_true
from dashboard.projection.world import Row, World, seconds

COLUMNS = ("ready", "desired", "updated", "status", "tone", "images", "created", "revision")
REVISION = "deployment.kubernetes.io/revision"

# (ready, desired, updated, status, tone); the tone is a pod state, so that it has the same look.
Progress = tuple[int, int, int, str, str]


def row(world: World, obj: Object) -> Row | None:
    """None for what somebody else's row stands for."""
    if obj["kind"] == "ReplicaSet" and controller_of(obj) is not None:
        return None
    ready, desired, updated, status, tone = PROGRESS[obj["kind"]](obj)
    if obj["metadata"].get("deletionTimestamp"):
        status, tone = "Terminating", "term"
    template = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [
        ready,
        desired,
        updated,
        status,
        tone,
        [c.get("image", "") for c in template.get("containers") or ()],
        seconds(obj["metadata"].get("creationTimestamp")),
        annotations_of(obj).get(REVISION, ""),
    ]


def _deployment(obj: Object) -> Progress:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    desired = spec.get("replicas", 1)
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    progressing = condition(status.get("conditions"), "Progressing") or {}
    if spec.get("paused"):
        return ready, desired, updated, "Paused", "wait"
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return ready, desired, updated, "Stuck", "fail"
    settled = status.get("observedGeneration", 0) >= obj["metadata"].get("generation", 0)
    total = status.get("replicas", 0)
    if settled and updated == ready == desired == total:
        return ready, desired, updated, "Available" if desired else "Scaled to 0", "run"
    if updated < desired or total > updated:
        return ready, desired, updated, "Rolling out", "pend"
    return ready, desired, updated, "Not ready", "wait"


def _replica_set(obj: Object) -> Progress:
    status = obj.get("status") or {}
    desired, ready = (obj.get("spec") or {}).get("replicas", 1), status.get("readyReplicas", 0)
    same = ready == desired == status.get("replicas", 0)
    return ready, desired, desired, "Ready" if same else "Not ready", "run" if same else "wait"


def _daemon_set(obj: Object) -> Progress:
    status = obj.get("status") or {}
    desired, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    updated = status.get("updatedNumberScheduled", 0)
    if updated < desired:
        return ready, desired, updated, "Rolling out", "pend"
    if ready < desired:
        return ready, desired, updated, "Not ready", "wait"
    return ready, desired, updated, "Available", "run"


def _job(obj: Object) -> Progress:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    desired = spec.get("completions") or spec.get("parallelism", 1)
    done, active = status.get("succeeded", 0), status.get("active", 0)
    conditions = status.get("conditions")
    if is_true(conditions, "Complete"):
        return done, desired, done, "Complete", "done"
    if is_true(conditions, "Failed"):
        return done, desired, done, "Failed", "fail"
    if spec.get("suspend"):
        return done, desired, done, "Suspended", "wait"
    return done, desired, done, f"{active} running" if active else "Finishing", "pend"


PROGRESS: dict[str, Callable[[Object], Progress]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
}
