"""Jobs. Models pkg/apis/batch and registry/batch/job."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.jobrules import job_spec
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.apiserver.kinds.workloads import MISMATCH, default_template
from cluster.apiserver.strategy import Context
from cluster.machinery import selectors
from cluster.machinery.errors import Cause, invalid_value, required
from cluster.machinery.meta import Object

CONTROLLER_UID = ("controller-uid", "batch.kubernetes.io/controller-uid")
JOB_NAME = ("job-name", "batch.kubernetes.io/job-name")
FROZEN = (
    "spec.completionMode", "spec.podFailurePolicy", "spec.backoffLimitPerIndex", "spec.managedBy",
    "spec.successPolicy",
)  # fmt: skip
DIRECTIVES = ("nodeSelector", "tolerations", "schedulingGates")


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
        causes = job_spec(spec, "spec")
        selector = spec.get("selector")
        if selector is None:
            causes.append(required("spec.selector"))
        else:
            causes += check_label_selector(selector, "spec.selector")
            labels = (spec["template"].get("metadata") or {}).get("labels") or {}
            if not causes and not selectors.from_label_selector(selector).matches(labels):
                causes.append(invalid_value("spec.template.metadata.labels", labels, MISMATCH))
        return causes + _host_names(obj)

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        if new["spec"] == old["spec"]:
            return []
        causes = self.check(new)
        spec, before = new["spec"], old["spec"]
        changed = spec.get("completions") not in (None, before.get("completions"))
        if spec["completionMode"] != "Indexed":
            causes += names.immutable(new, old, "spec.completions")
        elif changed and spec["completions"] != spec["parallelism"]:
            text = "can only be modified in tandem with spec.parallelism"
            causes.append(invalid_value("spec.completions", spec["completions"], text))
        causes += names.immutable(new, old, "spec.selector")
        causes += _check_template_update(new, old)
        return causes + names.immutable(new, old, *FROZEN)

    def default_propagation(self) -> str:
        return "Background"

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.successful": str(obj.get("status", {}).get("succeeded", 0))}


def _host_names(obj: Object) -> list[Cause]:
    """An indexed Job's pods have their index in their host name."""
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    if spec["completionMode"] != "Indexed" or not spec.get("completions"):
        return []
    longest = f"{name}-{spec['completions'] - 1}"
    if not names.label(longest):
        return []
    text = f"will not able to create pod with invalid DNS label: {longest}"
    return [invalid_value("metadata.name", name, text)]


def _check_template_update(new: Object, old: Object) -> list[Cause]:
    """A suspended Job that never ran may still be told where to run."""
    before, after = old["spec"]["template"], new["spec"]["template"]
    if old["spec"]["suspend"] and not old.get("status", {}).get("startTime"):
        before, after = _without_directives(before), _without_directives(after)
    if before == after:
        return []
    return [invalid_value("spec.template", new["spec"]["template"], "field is immutable")]


def _without_directives(template: Object) -> Object:
    spec = {k: v for k, v in template["spec"].items() if k not in DIRECTIVES}
    affinity = {k: v for k, v in (spec.pop("affinity", None) or {}).items() if k != "nodeAffinity"}
    return {"spec": {**spec, "affinity": affinity}}


def _replacement(spec: Object) -> str:
    return "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
