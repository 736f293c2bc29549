"""The bookkeeping of a Job's ended pods. Models trackJobStatusAndRemoveFinalizers.

Every pod carries the finalizer batch.kubernetes.io/job-tracking until it has been counted:

  pod ends -> its UID joins uncountedTerminatedPods -> its finalizer is removed -> its UID leaves
  the list and the counter goes up

so that no end is lost or counted twice, whoever dies in between.
"""

from __future__ import annotations

from typing import Any

from cluster.controllers import jobindexes, podutil
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, is_deleting, uid_of

FINALIZER = "batch.kubernetes.io/job-tracking"
FIRST_BACKOFF, MAX_BACKOFF = 10.0, 600.0
FIELDS = ("succeeded", "failed")


def is_tracked(pod: Object) -> bool:
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def replaces_failed_only(job: Object) -> bool:
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def outcome(job: Object, pod: Object) -> str:
    """The counter a pod belongs to; one that is being deleted has failed, it may never say so."""
    phase = podutil.phase_of(pod)
    if phase == "Succeeded":
        return "succeeded"
    lost = is_deleting(pod) and not replaces_failed_only(job)
    return "failed" if phase == "Failed" or lost else ""


def count(job: Object, status: dict[str, Any], pods: list[Object]) -> tuple[bool, list[Object]]:
    """Takes one step; changes `status` in place. (Is it to be written before anything else
    happens?, whose finalizers may go)."""
    waiting = status.get("uncountedTerminatedPods") or {}
    lists = {field: list(waiting.get(field, ())) for field in FIELDS}
    tracked = {uid_of(p): p for p in pods if is_tracked(p)}
    changed = _settle(status, lists, tracked)
    listed = {uid for uids in lists.values() for uid in uids}
    free: list[Object] = []
    for uid, pod in tracked.items():
        field = outcome(job, pod)
        if not field or uid in listed:
            continue
        if field == "succeeded" and not jobindexes.is_new(job, status, pod):
            free.append(pod)
            continue
        lists[field].append(uid)
        changed = True
        jobindexes.complete(job, status, pod)
    status["uncountedTerminatedPods"] = {k: v for k, v in lists.items() if v}
    if not changed:
        free += [tracked[uid] for uids in lists.values() for uid in uids if uid in tracked]
    return changed, free


def _settle(
    status: dict[str, Any], lists: dict[str, list[str]], tracked: dict[str, Object]
) -> bool:
    """Who has lost its finalizer is counted now."""
    changed = False
    for field, uids in lists.items():
        done = [u for u in uids if u not in tracked]
        if done:
            status[field] = status.get(field, 0) + len(done)
            lists[field] = [u for u in uids if u in tracked]
            changed = True
    return changed


def back_off(pods: list[Object], now: float) -> float | None:
    """10 s, 20 s, 40 s... after the newest failure, counted since the last success; None when
    pods may be made now. Models backoff_utils.go."""
    ends = sorted((end, podutil.phase_of(p)) for p in pods if (end := _ended_at(p)) is not None)
    failures, newest = 0, 0.0
    for end, phase in ends:
        failures = failures + 1 if phase == "Failed" else 0
        newest = end
    if not failures:
        return None
    due = newest + min(FIRST_BACKOFF * 2 ** (failures - 1), MAX_BACKOFF)
    return due if now < due else None


def _ended_at(pod: Object) -> float | None:
    if not podutil.is_finished(pod):
        return None
    ends = [
        parse_time(s["state"]["terminated"]["finishedAt"])
        for s in pod.get("status", {}).get("containerStatuses", ())
        if (s.get("state", {}).get("terminated") or {}).get("finishedAt")
    ]
    return max(ends, default=parse_time(pod["metadata"]["creationTimestamp"]))


def restarts(pods: list[Object]) -> int:
    """Of living pods whose containers restart in place. Models pastBackoffLimitOnFailure."""
    return sum(
        int(s.get("restartCount", 0))
        for p in pods
        if p["spec"].get("restartPolicy") == "OnFailure" and podutil.is_active(p)
        for s in p.get("status", {}).get("containerStatuses", ())
    )
