"""What a CronJob remembers of its Jobs: the active ones, the last success, the last few ended.

Models syncCronJob's first half and cleanupFinishedJobs of pkg/controller/cronjob.
"""

from __future__ import annotations

from typing import Any

from cluster.client import EventRecorder
from cluster.machinery.meta import Object, is_true, name_of, object_reference, uid_of

Status = dict[str, Any]


def reference(job: Object) -> Object:
    return object_reference(job)


def forget(status: Status, uid: str) -> None:
    status["active"] = [a for a in status["active"] if a["uid"] != uid]


def outcome(job: Object) -> str:
    """Complete, Failed, or empty while it is not over."""
    conditions = job.get("status", {}).get("conditions")
    return next((kind for kind in ("Complete", "Failed") if is_true(conditions, kind)), "")


def review(recorder: EventRecorder, found: Object, status: Status, jobs: list[Object]) -> None:
    """Brings `status` up to date with the Jobs that there are."""
    known = {a["uid"] for a in status["active"]}
    for job in jobs:
        ended, name = outcome(job), name_of(job)
        if not ended and uid_of(job) not in known:
            text = f"Saw a job that the controller did not create or forgot: {name}"
            recorder.event(found, "Warning", "UnexpectedJob", text)
        elif ended and uid_of(job) in known:
            forget(status, uid_of(job))
            text = f"Saw completed job: {name}, condition: {ended}"
            recorder.event(found, "Normal", "SawCompletedJob", text)
        if ended == "Complete":
            at = job["status"].get("completionTime", "")
            status["lastSuccessfulTime"] = max(status.get("lastSuccessfulTime", ""), at)
    there = {uid_of(j) for j in jobs}
    for each in list(status["active"]):
        if each["uid"] not in there:
            text = f"Active job went missing: {each['name']}"
            recorder.event(found, "Normal", "MissingJob", text)
            forget(status, each["uid"])


def excess(found: Object, jobs: list[Object]) -> list[Object]:
    """Ended Jobs beyond the history limits, the oldest first."""
    out: list[Object] = []
    limits = {"Complete": "successfulJobsHistoryLimit", "Failed": "failedJobsHistoryLimit"}
    for kind, field in limits.items():
        limit = found["spec"].get(field)
        if limit is None:
            continue
        ended = [j for j in jobs if outcome(j) == kind]
        ended.sort(key=lambda j: (j["status"].get("startTime", ""), name_of(j)))
        out += ended[: max(0, len(ended) - limit)]
    return [j for j in out if not j["metadata"].get("deletionTimestamp")]
