"""ReplicationControllers and PodTemplates. Models pkg/apis/core and registry/core."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.podrules import pod_spec
from cluster.apiserver.kinds.workloads import (
    MISMATCH,
    Scaled,
    default_template,
    not_negative,
)
from cluster.apiserver.strategy import Context
from cluster.machinery.errors import Cause, invalid_value, not_supported, required
from cluster.machinery.meta import Object


class ReplicationControllers(Scaled):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        template = spec.setdefault("template", {})
        default_template(template)
        labels = template["metadata"].get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(labels)

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {"replicas": 0}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes = not_negative(obj, "minReadySeconds")
        selector, template = spec.get("selector") or {}, spec["template"]
        if not selector:
            causes.append(required("spec.selector"))
        causes += not_negative(obj, "replicas")
        meta, path = template.get("metadata") or {}, "spec.template"
        labels = meta.get("labels") or {}
        if selector and any(labels.get(k) != v for k, v in selector.items()):
            causes.append(invalid_value(f"{path}.metadata.labels", labels, MISMATCH))
        causes += names.labels(labels, f"{path}.labels")
        causes += names.annotation_map(meta.get("annotations"), f"{path}.annotations")
        causes += pod_spec(template["spec"], f"{path}.spec", None)
        policy = template["spec"]["restartPolicy"]
        if policy != "Always":
            causes.append(not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
        return causes

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.replicas": str(obj.get("status", {}).get("replicas", 0))}


class PodTemplates(Kind):
    tracks_generation = True

    def default(self, obj: Object) -> None:
        default_template(obj.setdefault("template", {}))

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        generation = old["metadata"].get("generation", 1)
        new["metadata"]["generation"] = generation + (new["template"] != old["template"])

    def check(self, obj: Object) -> list[Cause]:
        template = obj["template"]
        meta = template.get("metadata") or {}
        causes = names.labels(meta.get("labels"), "template.labels")
        causes += names.annotation_map(meta.get("annotations"), "template.annotations")
        return causes + pod_spec(template["spec"], "template.spec")
