"""job: run pods until enough have succeeded. Models pkg/controller/job.

    count ended pods (jobcount) -> decide whether it is over (jobstatus) -> make or remove pods

Keys are Jobs, and `pod:namespace/name` for a pod whose Job is gone.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import jobcount, jobindexes, jobpolicy, jobstatus, podutil
from cluster.controllers.jobcount import FINALIZER, Tally
from cluster.controllers.jobstatus import Verdict
from cluster.controllers.ownedpods import OwnedPods
from cluster.controllers.podcontrol import PodControl
from cluster.machinery.clock import format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    controller_of,
    controller_ref,
    is_deleting,
    is_true,
    key_of,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)

MAX_CREATE = 500
ORPHAN = "pod:"
OURS = "kubernetes.io/job-controller"
MANY = 2**31 - 1


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
        if job is None or job["spec"].get("managedBy", OURS) != OURS:
            return
        pods = self.pods.by_index("controller", uid_of(job))
        if is_deleting(job) or jobstatus.is_finished(job):
            for pod in pods:
                self._let_go(pod)
            return
        tally = Tally(job, pods)
        jobstatus.fail_by_policy(tally, self.clock.now())
        changed, counted = jobcount.count(tally)
        if changed:
            self._write(tally)
            return
        for pod in counted:
            self._let_go(pod)
        if not counted:
            self._act(key, tally)
            self._write(tally)

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

    def _write(self, tally: Tally) -> None:
        job, shown = tally.job, jobstatus.shown(tally.status)
        if shown != job.get("status"):
            self.client.update_status({**job, "status": shown}, base=job)

    def _act(self, key: str, tally: Tally) -> None:
        now = self.clock.now()
        jobstatus.numbers(tally)
        verdict = jobstatus.verdict(tally, now)
        if verdict is not None:
            self._finish(tally, verdict)
        elif tally.job["spec"].get("suspend"):
            self._suspend(tally)
        else:
            self._start(tally)
            if (due := jobstatus.deadline(tally.job, tally.status)) is not None:
                self.queue.add_at(key, due)
            self._manage(key, tally)

    # ---- beginning and end

    def _start(self, tally: Tally) -> None:
        now, status, job = self.clock.now(), tally.status, tally.job
        suspended = is_true(status.get("conditions"), "Suspended")
        if suspended:
            jobstatus.put(status, "Suspended", "False", "JobResumed", "Job resumed", now)
            self.recorder.event(job, "Normal", "Resumed", "Job resumed")
        if suspended or not status.get("startTime"):
            status["startTime"] = format_time(now)

    def _suspend(self, tally: Tally) -> None:
        job, now = tally.job, self.clock.now()
        for pod in tally.active:
            self._drop(job, pod)
        if jobstatus.put(tally.status, "Suspended", "True", "JobSuspended", "Job suspended", now):
            self.recorder.event(job, "Normal", "Suspended", "Job suspended")

    def _finish(self, tally: Tally, verdict: Verdict) -> None:
        """The verdict is told at once, the end when the last pod has gone and is counted."""
        job, status = tally.job, tally.status
        kind, reason, text = verdict
        now = self.clock.now()
        jobstatus.put(status, jobcount.INTERIM[kind], "True", reason, text, now)
        for pod in tally.active:
            self.control.delete(job, pod)
        if status["active"] or status["terminating"] or tally.newest:
            return
        jobstatus.put(status, kind, "True", reason, text, now)
        if kind == "Complete":
            status["completionTime"] = format_time(now)
            if status.get("succeeded", 0) > job["spec"].get("completions", MANY):
                text = "Too many succeeded pods running after completion count reached"
                self.recorder.event(job, "Warning", "TooManySucceededPods", text)
            self.recorder.event(job, "Normal", "Completed", "Job completed")
        else:
            self.recorder.event(job, "Warning", reason, text)

    # ---- pods

    def _manage(self, key: str, tally: Tally) -> None:
        """Models manageJob."""
        job, now = tally.job, self.clock.now()
        surplus = self._surplus(tally, len(tally.active) - jobstatus.wanted(tally))
        for pod in surplus:
            self._drop(job, pod)
        missing = jobstatus.wanted(tally) - len(tally.active)
        if jobcount.replaces_failed_only(job):
            missing -= tally.status["terminating"]
        if surplus or missing <= 0:
            return
        due = None if tally.per_index else jobcount.back_off(tally.pods, now)
        if due is not None:
            self.queue.add_at(key, due)
        else:
            self._create(key, tally, min(missing, MAX_CREATE))

    def _surplus(self, tally: Tally, count: int) -> list[Object]:
        """Who goes: of an Indexed Job first those whose index another one has, is done or is
        beyond the end. Models activePodsForRemoval."""
        now, active = self.clock.now(), tally.active
        if count <= 0 and not tally.indexed:
            return []
        crowd = podutil.crowd_of(active)
        ranked = sorted(active, key=lambda p: podutil.deletion_rank(p, crowd, now))
        if not tally.indexed:
            return ranked[:count]
        kept: dict[int, Object] = {}
        out = []
        for pod in reversed(ranked):
            index = jobindexes.valid_index(tally.job, pod)
            if index is None or index in tally.done or index in tally.failed or index in kept:
                out.append(pod)
            else:
                kept[index] = pod
        left = [pod for _, pod in sorted(kept.items(), reverse=True)]
        return out + left[: max(0, count - len(out))]

    def _create(self, key: str, tally: Tally, count: int) -> None:
        job = tally.job

        def failed(error: StatusError) -> None:
            self._failed(key, error)

        if not tally.indexed:
            pods = [_new_pod(job) for _ in range(count)]
        else:
            pods = [self._new_indexed(tally, i) for i in self._indexes(key, tally, count)]
        self.control.create(job, pods, failed)

    def _indexes(self, key: str, tally: Tally, count: int) -> list[int]:
        """Which ones start now; where each has its own limit, each has its own back-off, too."""
        having = tally.active
        if jobcount.replaces_failed_only(tally.job):
            having = [p for p in tally.pods if not podutil.is_finished(p)]
        taken = {i for p in having if (i := jobindexes.index_of(p)) is not None}
        pending = jobindexes.pending(tally.job, taken | tally.done | tally.failed, count)
        if not tally.per_index:
            return pending
        now, out = self.clock.now(), []
        for index in pending:
            due = jobcount.back_off_of_index(tally.newest.get(index), now)
            if due is None:
                out.append(index)
            else:
                self.queue.add_at(key, due)
        return out

    def _new_indexed(self, tally: Tally, index: int) -> Object:
        job, replaced = tally.job, tally.newest.get(index)
        ignored = replaced is not None and jobpolicy.action(job, replaced) == jobpolicy.IGNORE
        pod = _new_pod(job, index)
        jobindexes.mark(pod, job, index, replaced, ignored)
        return pod

    def _drop(self, job: Object, pod: Object) -> None:
        """Remove a pod that is not to count as a failure: its finalizer goes first."""
        self._let_go(pod)
        self.control.delete(job, pod)


def _new_pod(job: Object, index: int | None = None) -> Object:
    base = name_of(job) if index is None else f"{name_of(job)}-{index}"
    template = job["spec"]["template"]
    pod = podutil.from_template(template, controller_ref(job), base, namespace_of(job))
    meta = pod["metadata"]
    meta["finalizers"] = [*(meta.get("finalizers") or ()), FINALIZER]
    return pod
