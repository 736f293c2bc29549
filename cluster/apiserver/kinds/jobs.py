"""Jobs. Models pkg/apis/batch and registry/batch/job."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.workloads import check_template, default_template, not_negative
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, not_supported, required
from cluster.machinery.meta import Object

CONTROLLER_UID = ("controller-uid", "batch.kubernetes.io/controller-uid")
JOB_NAME = ("job-name", "batch.kubernetes.io/job-name")
RESTART = ("OnFailure", "Never")


def default_job_spec(spec: Object, template: bool = False) -> None:
    """Models SetDefaults_Job; the template of a CronJob only gets its pod template's defaults."""
    default_template(spec.setdefault("template", {}))
    if template:
        return
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    spec.setdefault("backoffLimit", 6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", _replacement(spec))


class Jobs(WithStatus):
    def default(self, obj: Object) -> None:
        default_job_spec(obj.setdefault("spec", {}))

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {}
        spec, meta = obj["spec"], obj["metadata"]
        if not spec["manualSelector"]:
            labels = spec["template"]["metadata"].setdefault("labels", {})
            for key in CONTROLLER_UID:
                labels[key] = meta["uid"]
            for key in JOB_NAME:
                labels[key] = meta.get("name", "")
            spec["selector"] = {"matchLabels": {CONTROLLER_UID[1]: meta["uid"]}}
        if not meta.get("labels") and spec["template"]["metadata"].get("labels"):
            meta["labels"] = dict(spec["template"]["metadata"]["labels"])

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        fields = (
            "parallelism",
            "completions",
            "activeDeadlineSeconds",
            "backoffLimit",
            "ttlSecondsAfterFinished",
        )
        causes = not_negative(obj, *fields)
        if spec["completionMode"] not in ("NonIndexed", "Indexed"):
            modes = ("NonIndexed", "Indexed")
            causes.append(not_supported("spec.completionMode", spec["completionMode"], modes))
        if spec["completionMode"] == "Indexed" and spec.get("completions") is None:
            text = "when completion mode is Indexed"
            causes.append(required("spec.completions", text))
        policy = spec["template"]["spec"]["restartPolicy"]
        if policy == "Always":
            path, text = "spec.template.spec.restartPolicy", ", ".join(f'"{r}"' for r in RESTART)
            causes.append(required(path, f"valid values: {text}"))
            return causes + check_template(obj, ("Always", *RESTART))
        return causes + check_template(obj, RESTART)

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        if new["spec"] == old["spec"]:
            return []
        causes = self.check(new)
        frozen = ["spec.selector", "spec.completionMode", "spec.podFailurePolicy"]
        if new["spec"]["completionMode"] != "Indexed":
            frozen.append("spec.completions")
        if not (old["spec"]["suspend"] and not old.get("status", {}).get("startTime")):
            frozen.append("spec.template")
        return causes + names.immutable(new, old, *frozen)

    def default_propagation(self) -> str:
        return "Background"

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.successful": str(obj.get("status", {}).get("succeeded", 0))}


def _replacement(spec: Object) -> str:
    return "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
