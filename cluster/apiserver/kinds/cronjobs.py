"""CronJobs. Models pkg/apis/batch and registry/batch/cronjob."""

from __future__ import annotations

import re

from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.jobrules import NEGATIVE, job_spec
from cluster.apiserver.kinds.jobs import default_job_spec
from cluster.apiserver.strategy import Context
from cluster.machinery import cron
from cluster.machinery.errors import Cause, invalid_value, not_supported, required
from cluster.machinery.meta import Object

PART = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")
POLICIES = ("Allow", "Forbid", "Replace")
MAX_NAME = 52  # a Job's name is this and eleven characters for the minute


class CronJobs(WithStatus):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("concurrencyPolicy", "Allow")
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        template = spec.setdefault("jobTemplate", {})
        template.setdefault("metadata", {})
        default_job_spec(template.setdefault("spec", {}), template=True)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {}

    def check(self, obj: Object) -> list[Cause]:
        causes = _check_spec(obj["spec"], None)
        name = obj["metadata"].get("name", "")
        if len(name) > MAX_NAME:
            text = f"must be no more than {MAX_NAME} characters"
            causes.append(invalid_value("metadata.name", name, text))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return _check_spec(new["spec"], old["spec"])


def _check_spec(spec: Object, old: Object | None) -> list[Cause]:
    causes: list[Cause] = []
    if not spec.get("schedule"):
        causes.append(required("spec.schedule"))
    else:
        causes += _check_schedule(spec, old)
    zone = spec.get("timeZone")
    if zone is not None and (old is None or old.get("timeZone") != zone):
        causes += _check_zone(zone)
    if spec["concurrencyPolicy"] not in POLICIES:
        policy = spec["concurrencyPolicy"]
        causes.append(not_supported("spec.concurrencyPolicy", policy, POLICIES))
    causes += _check_template(spec["jobTemplate"]["spec"])
    fields = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    for field in fields:
        value = spec.get(field)
        if value is not None and value < 0:
            causes.append(invalid_value(f"spec.{field}", value, NEGATIVE))
    return causes


def _check_schedule(spec: Object, old: Object | None) -> list[Cause]:
    schedule, path = spec["schedule"], "spec.schedule"
    causes: list[Cause] = []
    try:
        cron.parse(schedule)
    except cron.CronError as error:
        causes.append(invalid_value(path, schedule, str(error)))
    if "TZ" in schedule:
        allowed = old is not None and "TZ" in old["schedule"]
        if not allowed:
            text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            causes.append(invalid_value(path, schedule, text))
        elif spec.get("timeZone") is not None:
            text = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            causes.append(invalid_value(path, schedule, text))
    return causes


def _check_zone(zone: str) -> list[Cause]:
    path = "spec.timeZone"
    if not zone:
        return [invalid_value(path, zone, "timeZone must be nil or non-empty string")]
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not PART.fullmatch(part):
            return [invalid_value(path, zone, f"unknown time zone {zone}")]
    if zone.lower() == "local":
        text = (
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        )
        return [invalid_value(path, zone, text)]
    try:
        cron.zone(zone)
    except cron.CronError as error:
        return [invalid_value(path, zone, str(error))]
    return []


def _check_template(spec: Object) -> list[Cause]:
    path = "spec.jobTemplate.spec"
    causes = job_spec(spec, path)
    if spec.get("selector") is not None:
        text = "`selector` will be auto-generated"
        causes.append(invalid_value(f"{path}.selector", spec["selector"], text))
    if spec.get("manualSelector"):
        causes.append(not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    return causes
