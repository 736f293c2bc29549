"""job: run pods until enough have succeeded. Models pkg/controller/job.

Every pod carries the finalizer batch.kubernetes.io/job-tracking until it has been counted:

  pod ends -> its UID joins uncountedTerminatedPods -> its finalizer is removed -> its UID leaves
  the list and the counter goes up

so that no end is lost or counted twice, whoever dies in between.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import jobindexes, podutil
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.meta import (
    Object,
    controller_of,
    controller_ref,
    is_deleting,
    is_true,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)

FINALIZER = "batch.kubernetes.io/job-tracking"
FIRST_BACKOFF, MAX_BACKOFF = 10.0, 600.0
MAX_CREATE = 500


class JobController(Controller):
    name = "job-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.jobs = env.informers.lister(kinds.JOBS)
        self.pods = env.informers.lister(kinds.PODS)
        self.pods.add_index("controller", by_controller)
        env.informers[kinds.JOBS].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def _on_pod(self, event: InformerEvent) -> None:
        ref = controller_of(event.obj)
        if ref is not None and ref["kind"] == "Job":
            self.enqueue(f"{namespace_of(event.obj)}/{ref['name']}", event.revision)
            if (
                event.new is not None
                and f"{namespace_of(event.obj)}/{ref['name']}" not in self.jobs
            ):
                self._let_go(event.new)

    def _let_go(self, pod: Object) -> None:
        """The Job is gone: nobody will count this pod any more."""
        finalizers = pod["metadata"].get("finalizers") or []
        if FINALIZER in finalizers:
            left = [f for f in finalizers if f != FINALIZER]
            self.client.acting(self.name, name_of(pod))
            self.client.update(
                with_metadata(pod, finalizers=left or None), base=pod, on_error=lambda error: None
            )

    def reconcile(self, key: str) -> None:
        job = self.jobs.get(key)
        if job is None:
            return None
        pods = self.pods.by_index("controller", uid_of(job))
        status = dict(job.get("status") or {})
        if _finished(job):
            return self._after(key, job, pods)
        if is_deleting(job):
            for pod in pods:
                self._let_go(pod)
            return None
        tracker = _Count(job, status, pods)
        if tracker.count():
            return self._write(job, status)
        for pod in tracker.to_release:
            self._let_go(pod)
        if tracker.to_release:
            return None
        self._act(key, job, status, pods)
        return self._write(job, status)

    def _write(self, job: Object, status: dict[str, Any]) -> None:
        shown = {k: v for k, v in status.items() if v not in (None, "", [], {}) or k == "ready"}
        if shown != job.get("status"):
            self.client.update_status({**job, "status": shown}, base=job)

    def _act(self, key: str, job: Object, status: dict[str, Any], pods: list[Object]) -> None:
        spec, now = job["spec"], self.clock.now()
        active = [p for p in pods if podutil.is_active(p)]
        if spec.get("suspend"):
            return self._suspend(job, status, active, now)
        if not status.get("startTime"):
            status["startTime"] = format_time(now)
            if any(c["type"] == "Suspended" for c in status.get("conditions", ())):
                self._condition(status, "Suspended", "False", "JobResumed", "Job resumed", now)
                self.recorder.event(job, "Normal", "Resumed", "Job resumed")
        failure = self._failure(key, job, status, now)
        if failure is not None:
            return self._fail(job, status, active, *failure)
        if _enough(job, status) and not active:
            return self._complete(job, status, now)
        if _enough(job, status) or self._surplus(job, status, active):
            for pod in self._victims(job, status, active):
                self._delete(job, pod)
        else:
            self._grow(key, job, status, pods, active, now)
        status["active"] = len(active)
        status["ready"] = sum(podutil.is_ready(p) for p in active)
        terminating = sum(is_deleting(p) and not podutil.is_finished(p) for p in pods)
        status["terminating"] = terminating
        return None

    # ---- ends

    def _failure(
        self, key: str, job: Object, status: dict[str, Any], now: float
    ) -> tuple[str, str] | None:
        spec = job["spec"]
        if status.get("failed", 0) > spec.get("backoffLimit", 6):
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        deadline = spec.get("activeDeadlineSeconds")
        if deadline is not None and status.get("startTime"):
            due = parse_time(status["startTime"]) + deadline
            if now >= due:
                return "DeadlineExceeded", "Job was active longer than specified deadline"
            self.queue.add_at(key, due)
        restarts = sum(
            s.get("restartCount", 0)
            for p in self.pods.by_index("controller", uid_of(job))
            for s in p.get("status", {}).get("containerStatuses", ())
            if p["spec"].get("restartPolicy") == "OnFailure" and podutil.is_active(p)
        )
        if restarts and restarts >= max(1, spec.get("backoffLimit", 6)):
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        return None

    def _fail(
        self, job: Object, status: dict[str, Any], active: list[Object], reason: str, text: str
    ) -> None:
        now = self.clock.now()
        kind = "FailureTarget" if active else "Failed"
        self._condition(status, "FailureTarget", "True", reason, text, now)
        for pod in active:
            self._delete(job, pod)
        if kind == "Failed":
            self._condition(status, "Failed", "True", reason, text, now)
            self.recorder.event(job, "Warning", reason, text)
        status["active"] = len(active)
        status["ready"] = 0

    def _complete(self, job: Object, status: dict[str, Any], now: float) -> None:
        text = "Reached expected number of succeeded pods"
        if job["spec"].get("completions") is None:
            text = "Job has at least one succeeded pod and no active pods"
        self._condition(status, "SuccessCriteriaMet", "True", "CompletionsReached", text, now)
        self._condition(status, "Complete", "True", "CompletionsReached", text, now)
        status["completionTime"] = format_time(now)
        status["active"], status["ready"], status["terminating"] = 0, 0, 0
        self.recorder.event(job, "Normal", "Completed", "Job completed")

    def _after(self, key: str, job: Object, pods: list[Object]) -> None:
        """Finished: the last finalizers go; the Job itself after its time to live."""
        for pod in pods:
            self._let_go(pod)
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None or is_deleting(job):
            return
        ended = max(
            parse_time(c["lastTransitionTime"])
            for c in job["status"]["conditions"]
            if c["type"] in ("Complete", "Failed") and c["status"] == "True"
        )
        if self.clock.now() >= ended + ttl:
            self.client.delete(job, propagation="Foreground")
        else:
            self.queue.add_at(key, ended + ttl)

    def _suspend(
        self, job: Object, status: dict[str, Any], active: list[Object], now: float
    ) -> None:
        for pod in active:
            self._delete(job, pod)
        if not any(
            c["type"] == "Suspended" and c["status"] == "True" for c in status.get("conditions", ())
        ):
            self._condition(status, "Suspended", "True", "JobSuspended", "Job suspended", now)
            self.recorder.event(job, "Normal", "Suspended", "Job suspended")
        status["startTime"] = None
        status["active"], status["ready"] = len(active), 0

    @staticmethod
    def _condition(
        status: dict[str, Any], kind: str, value: str, reason: str, text: str, now: float
    ) -> None:
        stamp = format_time(now)
        kept = [c for c in status.get("conditions", ()) if c["type"] != kind]
        new = {"type": kind, "status": value, "lastProbeTime": stamp, "lastTransitionTime": stamp}
        status["conditions"] = [*kept, {**new, "reason": reason, "message": text}]

    # ---- sizes

    @staticmethod
    def _surplus(job: Object, status: dict[str, Any], active: list[Object]) -> bool:
        return len(active) > _wanted(job, status, len(active))

    def _victims(self, job: Object, status: dict[str, Any], active: list[Object]) -> list[Object]:
        wanted = 0 if _enough(job, status) else _wanted(job, status, len(active))
        crowd = podutil.crowd_of(active)
        ranked = sorted(active, key=lambda p: podutil.deletion_rank(p, crowd, self.clock.now()))
        return ranked[: len(active) - wanted]

    def _grow(
        self, key: str, job: Object, status: dict[str, Any], pods: list[Object],
        active: list[Object], now: float,
    ) -> None:  # fmt: skip
        missing = _wanted(job, status, len(active)) - len(active)
        if missing <= 0:
            return
        due = self._back_off(pods, now)
        if due is not None:
            self.queue.add_at(key, due)
            return
        indexes = jobindexes.missing(job, status, active, missing)
        for at in range(min(missing, MAX_CREATE)):
            if indexes is not None and at >= len(indexes):
                break
            self._create(job, indexes[at] if indexes is not None else None)

    @staticmethod
    def _back_off(pods: list[Object], now: float) -> float | None:
        """10 s, 20 s, 40 s... after the newest failure, counted since the last success."""
        ends = sorted((end, podutil.phase_of(p)) for p in pods if (end := _ended_at(p)) is not None)
        failures, newest = 0, 0.0
        for end, phase in ends:
            failures = failures + 1 if phase == "Failed" else 0
            newest = end
        if not failures:
            return None
        due = newest + min(FIRST_BACKOFF * 2 ** (failures - 1), MAX_BACKOFF)
        return due if now < due else None

    def _create(self, job: Object, index: int | None) -> None:
        template = job["spec"]["template"]
        base = name_of(job) if index is None else f"{name_of(job)}-{index}"
        pod = podutil.from_template(template, controller_ref(job), base, namespace_of(job))
        meta = pod["metadata"]
        meta["finalizers"] = [*(meta.get("finalizers") or ()), FINALIZER]
        if index is not None:
            jobindexes.mark(pod, job, index)
        self.client.create(
            pod,
            on_done=lambda made: self.recorder.event(
                job, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}"
            ),
        )

    def _delete(self, job: Object, pod: Object) -> None:
        self.client.delete(pod)
        self.recorder.event(job, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")


class _Count:
    """The bookkeeping of ended pods; changes `status` in place."""

    def __init__(self, job: Object, status: dict[str, Any], pods: list[Object]) -> None:
        self.job, self.status, self.pods = job, status, pods
        self.to_release: list[Object] = []

    def count(self) -> bool:
        """True when the status must be written before anything else happens."""
        waiting = self.status.get("uncountedTerminatedPods") or {}
        lists = {k: list(waiting.get(k, ())) for k in ("succeeded", "failed")}
        tracked = {
            uid_of(p): p for p in self.pods if FINALIZER in (p["metadata"].get("finalizers") or ())
        }
        changed = self._settle(lists, tracked)
        for uid, pod in tracked.items():
            field = _outcome(pod)
            if field and uid not in lists["succeeded"] and uid not in lists["failed"]:
                if field == "succeeded" and not jobindexes.is_new(self.job, self.status, pod):
                    self.to_release.append(pod)
                    continue
                lists[field].append(uid)
                changed = True
                jobindexes.complete(self.job, self.status, pod)
        self.status["uncountedTerminatedPods"] = {k: v for k, v in lists.items() if v}
        if not changed:
            self.to_release += [tracked[u] for us in lists.values() for u in us if u in tracked]
        return changed

    def _settle(self, lists: dict[str, list[str]], tracked: dict[str, Object]) -> bool:
        changed = False
        for field, uids in lists.items():
            done = [u for u in uids if u not in tracked]
            if done:
                self.status[field] = self.status.get(field, 0) + len(done)
                lists[field] = [u for u in uids if u in tracked]
                changed = True
        return changed


def _outcome(pod: Object) -> str:
    """Which counter an ended pod belongs to; a pod deleted before its end has failed."""
    phase = podutil.phase_of(pod)
    if phase == "Succeeded":
        return "succeeded"
    if phase == "Failed":
        return "failed"
    gone = is_deleting(pod) and not pod["metadata"].get("deletionGracePeriodSeconds")
    return "failed" if gone else ""


def _finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions")
    return is_true(conditions, "Complete") or is_true(conditions, "Failed")


def _enough(job: Object, status: dict[str, Any]) -> bool:
    completions = job["spec"].get("completions")
    succeeded = int(status.get("succeeded", 0))
    return succeeded > 0 if completions is None else succeeded >= int(completions)


def _wanted(job: Object, status: dict[str, Any], active: int) -> int:
    """How many pods should run now. Models manageJob."""
    parallelism: int = job["spec"]["parallelism"]
    completions = job["spec"].get("completions")
    succeeded = status.get("succeeded", 0)
    if completions is None:
        return active if succeeded else parallelism
    return max(0, min(completions - succeeded, parallelism))


def _ended_at(pod: Object) -> float | None:
    if not podutil.is_finished(pod):
        return None
    ends = [
        parse_time(s["state"]["terminated"]["finishedAt"])
        for s in pod.get("status", {}).get("containerStatuses", ())
        if "terminated" in s.get("state", {})
    ]
    return max(ends, default=parse_time(pod["metadata"]["creationTimestamp"]))
