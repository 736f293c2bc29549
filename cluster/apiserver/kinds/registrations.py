"""APIServices. Models pkg/apis/apiregistration of kube-aggregator."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.strategy import Context
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, required
from cluster.machinery.meta import Object


class APIServices(WithStatus):
    """Those without a service are ours, and always available."""

    tracks_generation = False
    name_rule = staticmethod(names.path_segment)

    def default(self, obj: Object) -> None:
        service = obj.setdefault("spec", {}).get("service")
        if service:
            service.setdefault("port", 443)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        condition = {
            "type": "Available",
            "status": "True",
            "lastTransitionTime": format_time(ctx.now),
            "reason": "Local",
            "message": "Local APIServices are always available",
        }
        if obj["spec"].get("service"):
            reason, name = "ServiceNotFound", obj["spec"]["service"].get("name", "")
            where = f'"{name}" in "{obj["spec"]["service"].get("namespace", "")}"'
            condition |= {
                "status": "False", "reason": reason, "message": f"service/{where} is not present",
            }  # fmt: skip
        obj["status"] = {"conditions": [condition]}

    def check(self, obj: Object) -> list[Cause]:
        spec, name = obj["spec"], obj["metadata"].get("name", "")
        group, version = spec.get("group", ""), spec.get("version", "")
        causes: list[Cause] = []
        if name != f"{version}.{group}":
            text = f'must be `spec.version+"."+spec.group`: "{version}.{group}"'
            causes.append(invalid_value("metadata.name", name, text))
        if not version:
            causes.append(required("spec.version"))
        if not 0 < spec.get("groupPriorityMinimum", 0) <= 20000:
            text = "must be positive and less than 20000"
            value = spec.get("groupPriorityMinimum", 0)
            causes.append(invalid_value("spec.groupPriorityMinimum", value, text))
        if not 0 < spec.get("versionPriority", 0) <= 1000:
            text = "must be positive and less than 1000"
            causes.append(
                invalid_value("spec.versionPriority", spec.get("versionPriority", 0), text)
            )
        service = spec.get("service")
        if service is None:
            if spec.get("caBundle"):
                text = "local APIServices may not have a caBundle"
                causes.append(invalid_value("spec.caBundle", "...", text))
            if spec.get("insecureSkipTLSVerify"):
                path, text = "spec.insecureSkipTLSVerify", "must not be set for local APIServices"
                causes.append(invalid_value(path, True, text))
            return causes
        for field in ("namespace", "name"):
            if not service.get(field):
                causes.append(required(f"spec.service.{field}"))
        if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
            text = "may not be true if caBundle is present"
            causes.append(invalid_value("spec.insecureSkipTLSVerify", True, text))
        if not spec.get("group"):
            text = "only local services may have an empty group"
            causes.append(forbidden_field("spec.group", text))
        return causes
