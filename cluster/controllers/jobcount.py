"""The bookkeeping of a Job's ended pods. Models trackJobStatusAndRemoveFinalizers.

Every pod carries the finalizer batch.kubernetes.io/job-tracking until it has been counted:

  pod ends -> its UID joins uncountedTerminatedPods -> its finalizer is removed -> its UID leaves
  the list and the counter goes up

so that no end is lost or counted twice, whoever dies in between.
"""

from __future__ import annotations

from typing import Any

from cluster.controllers import jobindexes, jobpolicy, podutil
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, is_deleting, is_true, uid_of

FINALIZER = "batch.kubernetes.io/job-tracking"
FIRST_BACKOFF, MAX_BACKOFF = 10.0, 600.0
FIELDS = ("succeeded", "failed")
INTERIM = {"Failed": "FailureTarget", "Complete": "SuccessCriteriaMet"}  # told before the end


class Tally:
    """What one look at a Job and its pods finds; `status` is the Job's next one."""

    def __init__(self, job: Object, pods: list[Object]) -> None:
        self.job, self.pods = job, pods
        self.status: dict[str, Any] = dict(job.get("status") or {})
        self.indexed = jobindexes.is_indexed(job)
        self.per_index = jobindexes.has_limit(job)
        self.active = [p for p in pods if podutil.is_active(p)]
        self.done = jobindexes.parse(self.status.get("completedIndexes")) if self.indexed else set()
        self.failed = jobindexes.parse(self.status.get("failedIndexes")) if self.indexed else set()
        if self.indexed:
            size = job["spec"]["completions"]
            self.done = {i for i in self.done if i < size}  # an elastic Job may have shrunk
        conditions = self.status.get("conditions")
        self.over = any(is_true(conditions, kind) for kind in INTERIM.values())
        self.newest: dict[int, Object] = {}  # of an index without a living pod, the last failure
        self._look()

    def _look(self) -> None:
        """Indexes that have ended, known before anything is written."""
        if not self.indexed:
            return
        for pod in self.pods:
            index = jobindexes.valid_index(self.job, pod)
            if index is None or not is_tracked(pod):
                continue
            if podutil.phase_of(pod) == "Succeeded":
                self.done.add(index)
            elif self.per_index and not self.over and index_is_lost(self.job, pod):
                self.failed.add(index)
        if self.per_index:
            self.failed -= self.done
            self._find_newest()

    def _find_newest(self) -> None:
        """They keep their finalizers until they have been replaced: the number of failures of the
        index is told from pod to pod. Models getPodsWithDelayedDeletionPerIndex."""
        living = {jobindexes.index_of(p) for p in self.active}
        for pod in self.pods:
            index = jobindexes.valid_index(self.job, pod)
            if index is None or index in self.done or index in self.failed or index in living:
                continue
            if is_tracked(pod) and has_failed(self.job, pod):
                other = self.newest.get(index)
                if other is None or _failures(other) <= _failures(pod):
                    self.newest[index] = pod

    def indexes(self) -> None:
        """Write them into the status."""
        if self.indexed:
            self.status["completedIndexes"] = jobindexes.render(self.done)
        if self.per_index:
            self.status["failedIndexes"] = jobindexes.render(self.failed)

    def succeeded(self) -> int:
        return len(self.done) if self.indexed else int(self.status.get("succeeded", 0))


def _failures(pod: Object) -> int:
    """Models getIndexAbsoluteFailureCount."""
    return jobindexes.number(pod, jobindexes.FAILURES) + jobindexes.number(pod, jobindexes.IGNORED)


def is_tracked(pod: Object) -> bool:
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def replaces_failed_only(job: Object) -> bool:
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def has_failed(job: Object, pod: Object) -> bool:
    """One that is being deleted has failed, too: it may never say so. Models isPodFailed."""
    phase = podutil.phase_of(pod)
    if phase in ("Failed", "Succeeded"):
        return phase == "Failed"
    return is_deleting(pod) and not replaces_failed_only(job)


def index_is_lost(job: Object, pod: Object) -> bool:
    """Models isIndexFailed."""
    if not has_failed(job, pod):
        return False
    if job["spec"].get("podFailurePolicy"):
        decided = jobpolicy.action(job, pod)
        if decided in (jobpolicy.FAIL_INDEX, jobpolicy.IGNORE):
            return decided == jobpolicy.FAIL_INDEX
    limit: int = job["spec"]["backoffLimitPerIndex"]
    return jobindexes.number(pod, jobindexes.FAILURES) >= limit


def outcome(job: Object, pod: Object) -> str:
    """The counter a pod belongs to; empty: it is not over."""
    if podutil.phase_of(pod) == "Succeeded":
        return "succeeded"
    return "failed" if has_failed(job, pod) else ""


def count(tally: Tally) -> tuple[bool, list[Object]]:
    """Takes one step. (Is the status to be written before anything else happens?, whose
    finalizers may go)."""
    status = tally.status
    waiting = status.get("uncountedTerminatedPods") or {}
    lists = {field: list(waiting.get(field, ())) for field in FIELDS}
    tracked = {uid_of(p): p for p in tally.pods if is_tracked(p)}
    before = dict(tally.job.get("status") or {})
    changed = _settle(status, lists, tracked)
    listed = {uid for uids in lists.values() for uid in uids}
    held = set() if tally.over else {uid_of(p) for p in tally.newest.values()}
    known = jobindexes.parse(before.get("completedIndexes")) if tally.indexed else set()
    free: list[Object] = []
    for uid, pod in tracked.items():
        field = outcome(tally.job, pod)
        if not field or uid in listed or uid in held:
            continue
        if not _counts(tally, pod, field, known):
            free.append(pod)
            continue
        lists[field].append(uid)
        changed = True
    if changed:
        tally.indexes()
    status["uncountedTerminatedPods"] = {k: v for k, v in lists.items() if v}
    if not changed:
        free += [tracked[uid] for uids in lists.values() for uid in uids if uid in tracked]
    return changed, free


def _counts(tally: Tally, pod: Object, field: str, known: set[int]) -> bool:
    """An index succeeds once, however many of its pods do; some failures are to be ignored."""
    if tally.indexed:
        index = jobindexes.valid_index(tally.job, pod)
        if index is None or (field == "succeeded" and index in known):
            return False
        if field == "succeeded":
            known.add(index)
    if field == "failed" and tally.job["spec"].get("podFailurePolicy"):
        return jobpolicy.action(tally.job, pod) != jobpolicy.IGNORE
    return True


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
    return _due(newest, failures, now)


def back_off_of_index(pod: Object | None, now: float) -> float | None:
    """The same for one index, whose last failed pod says how many there were."""
    if pod is None:
        return None
    end = _ended_at(pod)
    since = end if end is not None else parse_time(pod["metadata"]["creationTimestamp"])
    return _due(since, _failures(pod) + 1, now)


def _due(newest: float, failures: int, now: float) -> float | None:
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
