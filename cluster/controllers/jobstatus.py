"""When a Job has ended and what its status says of it. Models pkg/controller/job."""

from __future__ import annotations

from typing import Any

from cluster.controllers import jobcount, jobpolicy, podutil
from cluster.controllers.jobcount import INTERIM, Tally
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import Object, condition, is_deleting, is_true

Status = dict[str, Any]
Verdict = tuple[str, str, str]  # Complete or Failed, reason, message

REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
MANY_LOST = (
    "MaxFailedIndexesExceeded",
    "Job has exceeded the specified maximal number of failed indexes",
)
SOME_LOST = ("FailedIndexes", "Job has failed indexes")


def is_finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions")
    return is_true(conditions, "Complete") or is_true(conditions, "Failed")


def given(status: Status) -> Verdict | None:
    """A verdict that was given stands."""
    for end, kind in INTERIM.items():
        found = condition(status.get("conditions"), kind)
        if found is not None and found.get("status") == "True":
            return end, found.get("reason", ""), found.get("message", "")
    return None


def fail_by_policy(tally: Tally, now: float) -> None:
    """A pod that fails the Job is told of before it may go. Models getFailJobMessage."""
    if not tally.job["spec"].get("podFailurePolicy") or given(tally.status) is not None:
        return
    for pod in tally.pods:
        failed = jobcount.is_tracked(pod) and jobcount.has_failed(tally.job, pod)
        if failed and (text := jobpolicy.fail_message(tally.job, pod)):
            put(tally.status, "FailureTarget", "True", "PodFailurePolicy", text, now)
            return


def verdict(tally: Tally, now: float) -> Verdict | None:
    """How it ends, once that is certain."""
    job, status = tally.job, tally.status
    if (before := given(status)) is not None:
        return before
    limit = job["spec"].get("backoffLimit", 6)
    again = jobcount.restarts(tally.pods)
    failures = status.get("failed", 0) + len(tally.newest)
    if failures > limit or (again and again >= max(1, limit)):
        return ("Failed", *LIMIT)
    due = deadline(job, status)
    if due is not None and now >= due:
        return ("Failed", *DEADLINE)
    if tally.per_index and (lost := _lost(tally)) is not None:
        return ("Failed", *lost)
    if tally.indexed and (text := jobpolicy.success_message(job, tally.done)):
        return ("Complete", "SuccessPolicy", text)
    return ("Complete", *REACHED) if _enough(tally) else None


def _lost(tally: Tally) -> tuple[str, str] | None:
    """What failed indexes mean for the Job."""
    spec, failed = tally.job["spec"], len(tally.failed)
    most = spec.get("maxFailedIndexes")
    if most is not None and failed > most:
        return MANY_LOST
    if failed and failed + len(tally.done) >= spec["completions"]:
        return SOME_LOST
    return None


def _enough(tally: Tally) -> bool:
    completions, succeeded = tally.job["spec"].get("completions"), tally.succeeded()
    if completions is None:  # a work queue: one success means there is no work left
        return succeeded > 0 and not tally.active
    return bool(succeeded >= completions)


def deadline(job: Object, status: Status) -> float | None:
    seconds = job["spec"].get("activeDeadlineSeconds")
    if seconds is None or not status.get("startTime") or job["spec"].get("suspend"):
        return None
    return parse_time(status["startTime"]) + float(seconds)


def wanted(tally: Tally) -> int:
    """How many pods should run now. Models manageJob."""
    parallelism: int = tally.job["spec"]["parallelism"]
    completions = tally.job["spec"].get("completions")
    if completions is None:
        return len(tally.active) if tally.succeeded() else parallelism
    return max(0, min(completions - tally.succeeded(), parallelism))


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


def numbers(tally: Tally) -> None:
    status = tally.status
    status["active"] = len(tally.active)
    status["ready"] = sum(podutil.is_ready(p) for p in tally.active)
    ended = podutil.is_finished
    status["terminating"] = sum(is_deleting(p) and not ended(p) for p in tally.pods)
    tally.indexes()


def shown(status: Status) -> Status:
    """As it is stored: zeros are left out, but for those that upstream points to."""
    always = ("ready", "terminating", "uncountedTerminatedPods", "failedIndexes")
    out = {k: v for k, v in status.items() if v or k in always}
    return {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}, **out}
