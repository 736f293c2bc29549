"""job: run pods until enough have succeeded. Models pkg/controller/job.

    count ended pods (jobcount) -> decide whether it is over (jobstatus) -> make or remove pods

Keys are Jobs, and `pod:namespace/name` for a pod whose Job is gone.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import jobcount, jobindexes, jobstatus, podutil
from cluster.controllers.jobcount import FINALIZER
from cluster.controllers.jobstatus import Status, Verdict
from cluster.controllers.ownedpods import OwnedPods
from cluster.controllers.podcontrol import PodControl
from cluster.machinery.clock import format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    controller_of,
    controller_ref,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)

MAX_CREATE = 500
ORPHAN = "pod:"


class JobController(Controller):
    name = "job-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.jobs = env.informers.lister(kinds.JOBS)
        self.pods = env.informers.lister(kinds.PODS)
        self.control = PodControl(env, self.recorder)
        env.informers[kinds.JOBS].add_handler(self._on_job)
        OwnedPods.of(env).hear("Job", self._on_pod)

    def _on_job(self, event: InformerEvent) -> None:
        if event.new is not None:
            self.enqueue(event.key, event.revision)
            return
        for pod in self.pods.by_index("controller", uid_of(event.obj)):
            self.enqueue(ORPHAN + key_of(pod), event.revision)

    def _on_pod(self, key: str, event: InformerEvent) -> None:
        self.enqueue(key, event.revision)
        if event.new is not None and key not in self.jobs:
            self.enqueue(ORPHAN + event.key, event.revision)

    def reconcile(self, key: str) -> None:
        if key.startswith(ORPHAN):
            self._reconcile_orphan(key.removeprefix(ORPHAN))
            return
        job = self.jobs.get(key)
        if job is None:
            return
        pods = self.pods.by_index("controller", uid_of(job))
        if is_deleting(job) or jobstatus.is_finished(job):
            for pod in pods:
                self._let_go(pod)
            return
        status = dict(job.get("status") or {})
        changed, counted = jobcount.count(job, status, pods)
        if changed:
            self._write(job, status)
        elif counted:
            for pod in counted:
                self._let_go(pod)
        else:
            self._act(key, job, status, pods)
            self._write(job, status)

    def _reconcile_orphan(self, key: str) -> None:
        """Nobody will count this pod any more, unless its Job has turned up meanwhile."""
        pod = self.pods.get(key)
        ref = controller_of(pod) if pod is not None else None
        if pod is None or ref is None:
            return
        job = self.jobs.get(f"{namespace_of(pod)}/{ref['name']}")
        if job is None or uid_of(job) != ref["uid"]:
            self._let_go(pod)

    def _let_go(self, pod: Object) -> None:
        if jobcount.is_tracked(pod):
            left = [f for f in pod["metadata"]["finalizers"] if f != FINALIZER]
            self.client.update(with_metadata(pod, finalizers=left or None), base=pod)

    def _write(self, job: Object, status: Status) -> None:
        shown = jobstatus.shown(status)
        if shown != job.get("status"):
            self.client.update_status({**job, "status": shown}, base=job)

    def _act(self, key: str, job: Object, status: Status, pods: list[Object]) -> None:
        now = self.clock.now()
        jobstatus.numbers(status, pods)
        verdict = jobstatus.verdict(job, status, pods, now)
        if verdict is not None:
            self._finish(job, status, pods, verdict)
        elif job["spec"].get("suspend"):
            self._suspend(job, status, pods)
        else:
            self._start(job, status)
            if (due := jobstatus.deadline(job, status)) is not None:
                self.queue.add_at(key, due)
            self._manage(key, job, status, pods)

    # ---- beginning and end

    def _start(self, job: Object, status: Status) -> None:
        now = self.clock.now()
        suspended = any(
            c["type"] == "Suspended" and c["status"] == "True" for c in status.get("conditions", ())
        )
        if suspended:
            jobstatus.put(status, "Suspended", "False", "JobResumed", "Job resumed", now)
            self.recorder.event(job, "Normal", "Resumed", "Job resumed")
        if suspended or not status.get("startTime"):
            status["startTime"] = format_time(now)

    def _suspend(self, job: Object, status: Status, pods: list[Object]) -> None:
        for pod in pods:
            if podutil.is_active(pod):
                self._drop(job, pod)
        now = self.clock.now()
        if jobstatus.put(status, "Suspended", "True", "JobSuspended", "Job suspended", now):
            self.recorder.event(job, "Normal", "Suspended", "Job suspended")

    def _finish(self, job: Object, status: Status, pods: list[Object], verdict: Verdict) -> None:
        """The verdict is told at once, the end when the last pod has gone."""
        kind, reason, text = verdict
        now = self.clock.now()
        jobstatus.put(status, jobstatus.INTERIM[kind], "True", reason, text, now)
        for pod in pods:
            if podutil.is_active(pod):
                self.control.delete(job, pod)
        if status["active"] or status["terminating"]:
            return
        jobstatus.put(status, kind, "True", reason, text, now)
        if kind == "Complete":
            status["completionTime"] = format_time(now)
            self.recorder.event(job, "Normal", "Completed", "Job completed")
        else:
            self.recorder.event(job, "Warning", reason, text)

    # ---- pods

    def _manage(self, key: str, job: Object, status: Status, pods: list[Object]) -> None:
        """Models manageJob."""
        now = self.clock.now()
        active = [p for p in pods if podutil.is_active(p)]
        missing = jobstatus.wanted(job, status, len(active)) - len(active)
        if missing < 0:
            crowd = podutil.crowd_of(active)
            ranked = sorted(active, key=lambda p: podutil.deletion_rank(p, crowd, now))
            for pod in ranked[:-missing]:
                self._drop(job, pod)
            return
        if jobcount.replaces_failed_only(job):
            missing -= status["terminating"]
        due = jobcount.back_off(pods, now) if missing > 0 else None
        if due is not None:
            self.queue.add_at(key, due)
        elif missing > 0:
            self._create(key, job, status, active, min(missing, MAX_CREATE))

    def _create(
        self, key: str, job: Object, status: Status, active: list[Object], count: int
    ) -> None:
        def failed(error: StatusError) -> None:
            self._failed(key, error)

        indexes = jobindexes.missing(job, status, active, count)
        each = indexes if indexes is not None else [None] * count
        self.control.create(job, [_new_pod(job, index) for index in each], failed)

    def _drop(self, job: Object, pod: Object) -> None:
        """Remove a pod that is not to count as a failure: its finalizer goes first."""
        self._let_go(pod)
        self.control.delete(job, pod)


def _new_pod(job: Object, index: int | None) -> Object:
    base = name_of(job) if index is None else f"{name_of(job)}-{index}"
    template = job["spec"]["template"]
    pod = podutil.from_template(template, controller_ref(job), base, namespace_of(job))
    meta = pod["metadata"]
    meta["finalizers"] = [*(meta.get("finalizers") or ()), FINALIZER]
    if index is not None:
        jobindexes.mark(pod, job, index)
    return pod
