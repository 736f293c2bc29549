"""CronJobs. Models pkg/apis/batch and registry/batch/cronjob."""

from __future__ import annotations

from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.jobs import default_job_spec
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object


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
