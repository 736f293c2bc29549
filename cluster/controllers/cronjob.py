"""cronjob: Jobs at the times of a schedule. Models pkg/controller/cronjob.

look at own Jobs -> forget what ended or vanished -> remove old ones -> start what is due
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import cronhistory, crontimes, jobstatus, podutil
from cluster.controllers.podcontrol import is_terminating
from cluster.machinery import cron
from cluster.machinery.clock import format_time, parse_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    controller_ref,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
DELAY = 0.1  # nextScheduleDelta: upstream looks a little after the moment
RUNNING = "Not starting job because prior execution is running and concurrency policy is Forbid"
SKEW = (
    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
)
Status = dict[str, Any]


class CronJobController(Controller):
    name = "cronjob-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.crons = env.informers.lister(kinds.CRON_JOBS)
        self.jobs = env.informers.lister(kinds.JOBS)
        self.jobs.add_index("controller", by_controller)
        env.informers[kinds.CRON_JOBS].add_handler(self._on_cron)
        env.informers[kinds.JOBS].add_handler(self._on_job)

    def _on_cron(self, event: InformerEvent) -> None:
        """Another schedule begins with its next time, not with one that has passed."""
        old, new = event.old, event.new
        if old is not None and new is not None:
            if old["spec"] == new["spec"] and is_deleting(old) == is_deleting(new):
                return
            fields = ("schedule", "timeZone")
            if any(old["spec"].get(f) != new["spec"].get(f) for f in fields):
                self._wait(event.key, new, crontimes.schedule_of(new))
                return
        self.enqueue(event.key, event.revision)

    def _on_job(self, event: InformerEvent) -> None:
        key = podutil.owner_key(event.obj, "CronJob")
        if key is not None:
            self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        found = self.crons.get(key)
        if found is None:
            return
        jobs = self.jobs.by_index("controller", uid_of(found))
        status: Status = dict(found.get("status") or {})
        status["active"] = list(status.get("active") or ())
        cronhistory.review(self.recorder, found, status, jobs)
        if not is_deleting(found):
            for job in cronhistory.excess(found, jobs):
                self._delete(found, status, job)
            self._start_due(key, found, status, jobs)
        self._write(found, status)

    def _write(self, found: Object, status: Status) -> None:
        shown = {k: v for k, v in status.items() if v}
        if shown != (found.get("status") or {}):
            self.client.update_status({**found, "status": shown}, base=found)

    # ---- what is due

    def _schedule(self, found: Object) -> crontimes.Times | None:
        """None, and an Event, for a schedule or a zone that makes no sense."""
        spec = found["spec"]
        try:
            cron.zone(spec.get("timeZone") or "")
        except cron.CronError as error:
            text = f'invalid timeZone: "{spec["timeZone"]}": {error}'
            self.recorder.event(found, "Warning", "UnknownTimeZone", text)
            return None
        if spec.get("suspend"):
            return None
        if "TZ" in spec["schedule"]:
            text = (
                f'CRON_TZ or TZ used in schedule "{spec["schedule"]}" is not officially supported, '
                "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for "
                "more details"
            )
            self.recorder.event(found, "Warning", "UnsupportedSchedule", text)
        try:
            return cron.parse(spec["schedule"], spec.get("timeZone") or "")
        except cron.CronError as error:
            text = f"unparseable schedule: {spec['schedule']} : {error}"
            self.recorder.event(found, "Warning", "UnparseableSchedule", text)
            return None

    def _start_due(self, key: str, found: Object, status: Status, jobs: list[Object]) -> None:
        times = self._schedule(found)
        if times is None:
            return
        now = self.clock.now()
        due, missed = crontimes.most_recent(found, status, times, now, bounded=True)
        if missed > crontimes.MANY:
            self.recorder.event(found, "Warning", "TooManyMissedTimes", SKEW)
        if due is not None and self._may_start(found, status, due, now):
            if found["spec"]["concurrencyPolicy"] == "Replace":
                self._replace(found, status)
            self._create(key, found, status, due)
        self._wait(key, {**found, "status": status}, times)

    def _may_start(self, found: Object, status: Status, due: float, now: float) -> bool:
        spec = found["spec"]
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and due + deadline < now:
            moment = datetime.fromtimestamp(due, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
            text = f"Missed scheduled time to start a job: {moment}"
            self.recorder.event(found, "Warning", "MissSchedule", text)
            return False
        last = status.get("lastScheduleTime")
        name = _job_name(found, due)
        if any(a["name"] == name for a in status["active"]) or (last and parse_time(last) == due):
            return False
        if spec["concurrencyPolicy"] == "Forbid" and status["active"]:
            self.recorder.event(found, "Normal", "JobAlreadyActive", RUNNING)
            return False
        return True

    def _wait(self, key: str, found: Object, times: crontimes.Times | None) -> None:
        if times is None:
            return
        now = self.clock.now()
        recent, _ = crontimes.most_recent(found, found["status"], times, now, bounded=False)
        following = times.next(recent if recent is not None else now)
        if following is not None:
            self.queue.add_at(key, following + DELAY)

    def _replace(self, found: Object, status: Status) -> None:
        for reference in list(status["active"]):
            job = self.jobs.get(f"{reference['namespace']}/{reference['name']}")
            if job is not None:
                self._delete(found, status, job)

    def _delete(self, found: Object, status: Status, job: Object) -> None:
        cronhistory.forget(status, uid_of(job))
        text = f"Deleted job {name_of(job)}"
        self.client.delete(
            job,
            propagation="Background",
            on_done=lambda _: self.recorder.event(found, "Normal", "SuccessfulDelete", text),
        )

    def _create(self, key: str, found: Object, status: Status, due: float) -> None:
        """At once: what it is called and how it is identified belongs into the status."""
        try:
            job = self.client.do_create(_new_job(found, due))
        except StatusError as error:
            if error.reason == "AlreadyExists":
                job = self.client.get(kinds.JOBS, namespace_of(found), _job_name(found, due))
                if podutil.owner_key(job, "CronJob") != key or jobstatus.is_finished(job):
                    return
            else:
                if not is_terminating(error):
                    text = f"Error creating job: {error.message}"
                    self.recorder.event(found, "Warning", "FailedCreate", text)
                    self._failed(key, error)
                return
        else:
            text = f"Created job {name_of(job)}"
            self.recorder.event(found, "Normal", "SuccessfulCreate", text)
        status["active"] = [*status["active"], cronhistory.reference(job)]
        status["lastScheduleTime"] = format_time(due)


def _job_name(found: Object, due: float) -> str:
    return f"{name_of(found)}-{int(due) // 60}"


def _new_job(found: Object, due: float) -> Object:
    """Models getJobFromTemplate2."""
    template = found["spec"]["jobTemplate"]
    meta = template.get("metadata") or {}
    zone = cron.zone(found["spec"].get("timeZone") or "")
    moment = datetime.fromtimestamp(due, zone).isoformat().replace("+00:00", "Z")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": _job_name(found, due),
            "namespace": namespace_of(found),
            "labels": dict(meta.get("labels") or {}),
            "annotations": {**(meta.get("annotations") or {}), SCHEDULED: moment},
            "ownerReferences": [controller_ref(found)],
        },
        "spec": template["spec"],
    }
