"""What a Deployment's status says. Models pkg/controller/deployment: sync.go, progress.go.

    calculate   numbers and Available          (calculateStatus)
    resume      paused or resumed              (checkPausedConditions)
    progress    Progressing, ReplicaFailure    (syncRolloutStatus)

Conditions stand in the order in which they last changed, as SetDeploymentCondition leaves them.
"""

from __future__ import annotations

from typing import Any

from cluster.controllers import rollout
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object, condition, name_of

AVAILABLE_TEXT = "Deployment has minimum availability."
UNAVAILABLE_TEXT = "Deployment does not have minimum availability."
NO_DEADLINE = 2**31 - 1
Status = dict[str, Any]


def has_deadline(deployment: Object) -> bool:
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return seconds is not None and seconds != NO_DEADLINE


def complete(deployment: Object, status: Status) -> bool:
    """Models DeploymentComplete."""
    wanted = deployment["spec"]["replicas"]
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    return all(status.get(f, 0) == wanted for f in fields)


def saturated(deployment: Object, new: Object) -> bool:
    """Models IsSaturated."""
    wanted = deployment["spec"]["replicas"]
    desired = new["metadata"].get("annotations", {}).get(rollout.DESIRED, "")
    return bool(
        new["spec"]["replicas"] == wanted
        and desired == str(wanted)
        and new.get("status", {}).get("availableReplicas", 0) == wanted
    )


def calculate(deployment: Object, sets: list[Object], new: Object | None, now: float) -> Status:
    available = rollout.actual_of(sets, "availableReplicas")
    numbers = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": rollout.actual_of(sets),
        "updatedReplicas": rollout.actual_of([new]) if new is not None else 0,
        "readyReplicas": rollout.actual_of(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, rollout.replicas_of(sets) - available),
        "collisionCount": deployment.get("status", {}).get("collisionCount", 0),
    }
    out: Status = {k: v for k, v in numbers.items() if v}
    out["terminatingReplicas"] = rollout.actual_of(sets, "terminatingReplicas")
    out["conditions"] = list(deployment.get("status", {}).get("conditions") or ())
    if available >= deployment["spec"]["replicas"] - rollout.max_unavailable(deployment):
        put(out, now, "Available", "True", "MinimumReplicasAvailable", AVAILABLE_TEXT)
    else:
        put(out, now, "Available", "False", "MinimumReplicasUnavailable", UNAVAILABLE_TEXT)
    resume(deployment, out, now)
    return out


def put(
    status: Status, now: float, kind: str, value: str, reason: str, text: str, again: bool = False
) -> None:
    """Models SetDeploymentCondition; `again`: even when neither status nor reason moved."""
    old = condition(status["conditions"], kind)
    same = old is not None and old.get("status") == value
    if same and old is not None and old.get("reason") == reason and not again:
        return
    stamp = format_time(now)
    since = old.get("lastTransitionTime", stamp) if same and old is not None else stamp
    new = {
        "type": kind,
        "status": value,
        "lastUpdateTime": stamp,
        "lastTransitionTime": since,
        "reason": reason,
        "message": text,
    }
    status["conditions"] = [*(c for c in status["conditions"] if c["type"] != kind), new]


def resume(deployment: Object, status: Status, now: float) -> None:
    """Models checkPausedConditions."""
    found = condition(status["conditions"], "Progressing")
    reason = (found or {}).get("reason", "")
    if not has_deadline(deployment) or reason == "ProgressDeadlineExceeded":
        return
    if deployment["spec"].get("paused"):
        put(status, now, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    elif reason == "DeploymentPaused":
        put(status, now, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")


def created(deployment: Object, status: Status, name: str, now: float) -> None:
    """A new ReplicaSet was made."""
    if has_deadline(deployment):
        text = f'Created new replica set "{name}"'
        put(status, now, "Progressing", "True", "NewReplicaSetCreated", text)


def progress(
    deployment: Object, status: Status, sets: list[Object], new: Object | None, now: float
) -> None:
    current = condition(status["conditions"], "Progressing")
    if not has_deadline(deployment):
        status["conditions"] = [c for c in status["conditions"] if c["type"] != "Progressing"]
    elif not _settled(status, current):
        what = f'Deployment "{name_of(deployment)}"'
        if new is not None:
            what = f'ReplicaSet "{name_of(new)}"'
        if current is None and new is not None:
            text = f'Found new replica set "{name_of(new)}"'
            put(status, now, "Progressing", "True", "FoundNewReplicaSet", text)
        _advance(deployment, status, what, now)
    _failures(status, sets, now)


def _settled(status: Status, current: Object | None) -> bool:
    """Once complete, a lost pod does not make it progress again."""
    return (
        status.get("replicas", 0) == status.get("updatedReplicas", 0)
        and current is not None
        and current.get("reason") == "NewReplicaSetAvailable"
    )


def _advance(deployment: Object, status: Status, what: str, now: float) -> None:
    if complete(deployment, status):
        text = f"{what} has successfully progressed."
        put(status, now, "Progressing", "True", "NewReplicaSetAvailable", text)
    elif _progressed(deployment.get("status", {}), status):
        text = f"{what} is progressing."
        put(status, now, "Progressing", "True", "ReplicaSetUpdated", text, again=True)
    elif (due := deadline(deployment, status)) is not None and now >= due:
        text = f"{what} has timed out progressing."
        put(status, now, "Progressing", "False", "ProgressDeadlineExceeded", text)


def _progressed(before: Status, after: Status) -> bool:
    """Models DeploymentProgressing: more updated, ready or available, or fewer old pods."""
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    old_after = after.get("replicas", 0) - after.get("updatedReplicas", 0)
    fields = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_after < old_before or any(after.get(f, 0) > before.get(f, 0) for f in fields)


def _failures(status: Status, sets: list[Object], now: float) -> None:
    for found in sets:
        failed = condition(found.get("status", {}).get("conditions"), "ReplicaFailure")
        if failed is not None and failed.get("status") == "True":
            reason, text = failed.get("reason", ""), failed.get("message", "")
            put(status, now, "ReplicaFailure", "True", reason, text)
            return
    status["conditions"] = [c for c in status["conditions"] if c["type"] != "ReplicaFailure"]


def deadline(deployment: Object, status: Status) -> float | None:
    """When an unfinished rollout will have timed out; None when it cannot."""
    found = condition(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or found is None or complete(deployment, status):
        return None
    if not found.get("lastUpdateTime") or found.get("reason") in (
        "NewReplicaSetAvailable",
        "ProgressDeadlineExceeded",
    ):
        return None
    seconds = deployment["spec"]["progressDeadlineSeconds"]
    return parse_time(found["lastUpdateTime"]) + float(seconds)
