"""When a Job has ended and what its status says of it. Models pkg/controller/job."""

from __future__ import annotations

from typing import Any

from cluster.controllers import jobcount, podutil
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object, condition, is_deleting, is_true

Status = dict[str, Any]
Verdict = tuple[str, str, str]  # Complete or Failed, reason, message

REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
INTERIM = {"Failed": "FailureTarget", "Complete": "SuccessCriteriaMet"}


def is_finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions")
    return is_true(conditions, "Complete") or is_true(conditions, "Failed")


def verdict(job: Object, status: Status, pods: list[Object], now: float) -> Verdict | None:
    """How it ends, once that is certain; a verdict that was given stands."""
    for end, kind in INTERIM.items():
        given = condition(status.get("conditions"), kind)
        if given is not None and given.get("status") == "True":
            return end, given.get("reason", ""), given.get("message", "")
    limit = job["spec"].get("backoffLimit", 6)
    again = jobcount.restarts(pods)
    if status.get("failed", 0) > limit or (again and again >= max(1, limit)):
        return ("Failed", *LIMIT)
    due = deadline(job, status)
    if due is not None and now >= due:
        return ("Failed", *DEADLINE)
    return ("Complete", *REACHED) if _enough(job, status, pods) else None


def _enough(job: Object, status: Status, pods: list[Object]) -> bool:
    completions, succeeded = job["spec"].get("completions"), status.get("succeeded", 0)
    if completions is None:  # a work queue: one success means there is no work left
        return succeeded > 0 and not any(podutil.is_active(p) for p in pods)
    return bool(succeeded >= completions)


def deadline(job: Object, status: Status) -> float | None:
    seconds = job["spec"].get("activeDeadlineSeconds")
    if seconds is None or not status.get("startTime"):
        return None
    return parse_time(status["startTime"]) + float(seconds)


def wanted(job: Object, status: Status, active: int) -> int:
    """How many pods should run now. Models manageJob."""
    parallelism: int = job["spec"]["parallelism"]
    completions = job["spec"].get("completions")
    succeeded: int = status.get("succeeded", 0)
    if completions is None:
        return active if succeeded else parallelism
    return max(0, min(completions - succeeded, parallelism))


def put(status: Status, kind: str, value: str, reason: str, text: str, now: float) -> bool:
    """Set a condition; False when it is so already. Models ensureJobConditionStatus."""
    old = condition(status.get("conditions"), kind)
    if old is not None and old.get("status") == value and old.get("reason") == reason:
        return False
    stamp = format_time(now)
    new = {"type": kind, "status": value, "lastProbeTime": stamp, "lastTransitionTime": stamp}
    kept = [c for c in status.get("conditions", ()) if c["type"] != kind]
    status["conditions"] = [*kept, {**new, "reason": reason, "message": text}]
    return True


def numbers(status: Status, pods: list[Object]) -> None:
    active = [p for p in pods if podutil.is_active(p)]
    status["active"] = len(active)
    status["ready"] = sum(podutil.is_ready(p) for p in active)
    status["terminating"] = sum(is_deleting(p) and not podutil.is_finished(p) for p in pods)


def shown(status: Status) -> Status:
    """As it is stored: zeros are left out, but for those that upstream points to."""
    always = ("ready", "terminating", "uncountedTerminatedPods")
    out = {k: v for k, v in status.items() if v or k in always}
    return {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}, **out}
