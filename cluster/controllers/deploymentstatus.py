"""What a Deployment's status says. Models pkg/controller/deployment: sync.go, progress.go."""

from __future__ import annotations

from typing import Any

from cluster.controllers import rollout
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object, condition, name_of

AVAILABLE_TEXT = "Deployment has minimum availability."
UNAVAILABLE_TEXT = "Deployment does not have minimum availability."
NO_DEADLINE = 2**31 - 1


def complete(deployment: Object, sets: list[Object], new: Object | None) -> bool:
    """Models DeploymentComplete."""
    wanted = deployment["spec"]["replicas"]
    updated = rollout.actual_of([new]) if new is not None else 0
    return (
        updated == wanted
        and rollout.actual_of(sets) == wanted
        and rollout.actual_of(sets, "availableReplicas") == wanted
    )


def saturated(deployment: Object, new: Object) -> bool:
    """Models IsSaturated."""
    wanted = deployment["spec"]["replicas"]
    return bool(
        new["spec"]["replicas"] == wanted
        and new.get("status", {}).get("availableReplicas", 0) == wanted
    )


def status_of(
    deployment: Object, sets: list[Object], new: Object | None, now: float
) -> dict[str, Any]:
    total = rollout.actual_of(sets)
    available = rollout.actual_of(sets, "availableReplicas")
    out: dict[str, Any] = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total,
        "updatedReplicas": rollout.actual_of([new]) if new is not None else 0,
        "readyReplicas": rollout.actual_of(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, rollout.replicas_of(sets) - available),
        "collisionCount": deployment.get("status", {}).get("collisionCount", 0),
    }
    out = {k: v for k, v in out.items() if v}
    conditions = _available(deployment, available, now)
    progressing = _progressing(deployment, out, sets, new, now)
    if progressing is not None:
        conditions.append(progressing)
    failure = _failure(sets)
    if failure is not None:
        conditions.append(failure)
    out["conditions"] = conditions
    return out


def _condition(
    deployment: Object, kind: str, status: str, reason: str, message: str, now: float, moved: bool
) -> Object:
    """`moved`: something happened, so lastUpdateTime is now."""
    old = condition(deployment.get("status", {}).get("conditions"), kind)
    stamp = format_time(now)
    same = old is not None and old["status"] == status
    unchanged = same and old is not None and old["reason"] == reason and not moved
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": old["lastUpdateTime"] if unchanged and old else stamp,
        "lastTransitionTime": old["lastTransitionTime"] if same and old else stamp,
        "reason": reason,
        "message": message,
    }


def _available(deployment: Object, available: int, now: float) -> list[Object]:
    enough = available >= deployment["spec"]["replicas"] - rollout.max_unavailable(deployment)
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    text = AVAILABLE_TEXT if enough else UNAVAILABLE_TEXT
    status = "True" if enough else "False"
    return [_condition(deployment, "Available", status, reason, text, now, False)]


def _progressing(
    deployment: Object, status: dict[str, Any], sets: list[Object], new: Object | None, now: float
) -> Object | None:
    """Models syncRolloutStatus."""
    deadline = deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE)
    if deadline == NO_DEADLINE:
        return None
    old = condition(deployment.get("status", {}).get("conditions"), "Progressing")
    if deployment["spec"].get("paused"):
        text = "Deployment is paused"
        return _condition(
            deployment, "Progressing", "Unknown", "DeploymentPaused", text, now, False
        )
    what = (
        f'ReplicaSet "{name_of(new)}"' if new is not None else f'Deployment "{name_of(deployment)}"'
    )
    done = complete(deployment, sets, new)
    if (
        done
        and old is not None
        and old["reason"] == "NewReplicaSetAvailable"
        and what in old["message"]
    ):
        return old
    if done and new is not None:
        text = f"{what} has successfully progressed."
        return _condition(
            deployment, "Progressing", "True", "NewReplicaSetAvailable", text, now, False
        )
    if old is not None and old["reason"] == "DeploymentPaused":
        text = "Deployment is resumed"
        return _condition(
            deployment, "Progressing", "Unknown", "DeploymentResumed", text, now, False
        )
    if old is None or _progressed(deployment, status) or _is_new(old, what):
        reason = "NewReplicaSetCreated" if new is None or _fresh(new) else "ReplicaSetUpdated"
        text = (
            f"Created new replica set {what[11:]}"
            if reason == "NewReplicaSetCreated" and new
            else f"{what} is progressing."
        )
        return _condition(deployment, "Progressing", "True", reason, text, now, True)
    if (
        old["reason"] != "ProgressDeadlineExceeded"
        and now >= parse_time(old["lastUpdateTime"]) + deadline
    ):
        text = f"{what} has timed out progressing."
        return _condition(
            deployment, "Progressing", "False", "ProgressDeadlineExceeded", text, now, False
        )
    return old


def _fresh(new: Object) -> bool:
    return not new.get("status", {}).get("replicas")


def _is_new(old: Object, what: str) -> bool:
    """Another template is being rolled out since the condition was written."""
    return (
        old["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded")
        and what[11:] not in old["message"]
    )


def _progressed(deployment: Object, status: dict[str, Any]) -> bool:
    """Models DeploymentProgressing: more updated, ready or available, or fewer old pods."""
    before = deployment.get("status", {})
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    old_now = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    grown = any(
        status.get(f, 0) > before.get(f, 0)
        for f in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    return grown or old_now < old_before


def _failure(sets: list[Object]) -> Object | None:
    for found in sets:
        failed = condition(found.get("status", {}).get("conditions"), "ReplicaFailure")
        if failed is not None:
            return {**failed, "lastUpdateTime": failed["lastTransitionTime"]}
    return None


def progress_deadline(deployment: Object, status: dict[str, Any]) -> float | None:
    """When an unfinished rollout will have timed out."""
    found = condition(status.get("conditions"), "Progressing")
    if found is None or found["status"] != "True" or found["reason"] == "NewReplicaSetAvailable":
        return None
    seconds = deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE)
    return parse_time(found["lastUpdateTime"]) + float(seconds)
