"""Deployments, ReplicaSets, DaemonSets, ControllerRevisions. Models pkg/apis/apps."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.amounts import at_most_hundred_percent, int_or_percent
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.kinds.podrules import RESTART, pod_spec
from cluster.apiserver.kinds.podspec import default_pod_spec
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.apiserver.strategy import Context
from cluster.machinery import errors, selectors
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, not_supported, required
from cluster.machinery.meta import Object

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
NEGATIVE = "must be greater than or equal to 0"
MISMATCH = "`selector` does not match template `labels`"


def default_template(template: Object) -> None:
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def check_template(obj: Object) -> list[Cause]:
    """A template whose pods go on for ever. Models ValidatePodTemplateSpecForReplicaSet."""
    template = obj["spec"].get("template") or {}
    meta, path = template.get("metadata") or {}, "spec.template"
    spec = template.get("spec") or {}
    causes = names.labels(meta.get("labels"), f"{path}.labels")
    causes += names.annotation_map(meta.get("annotations"), f"{path}.annotations")
    causes += pod_spec(spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        causes.append(forbidden_field(f"{path}.spec.ephemeralContainers", text))
    policy = spec.get("restartPolicy")
    if policy in RESTART and policy != "Always":
        causes.append(not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {obj['kind']} is not Supported"
        if obj["kind"] == "Deployment":
            text = "activeDeadlineSeconds in ReplicaSet is not Supported"
        causes.append(forbidden_field(f"{path}.spec.activeDeadlineSeconds", text))
    return causes


def check_selector(obj: Object) -> list[Cause]:
    """The selector exists, is not empty and selects the template's labels."""
    spec = obj["spec"]
    selector = spec.get("selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if selector is None:
        causes = [required("spec.selector")]
    else:
        causes = check_label_selector(selector, "spec.selector")
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            kind = obj["kind"].lower()
            text = f"empty selector is invalid for {kind}"
            causes.append(invalid_value("spec.selector", selector, text))
        if causes:
            return causes
        if selectors.from_label_selector(selector).matches(labels):
            return []
    causes.append(invalid_value("spec.template.metadata.labels", labels, MISMATCH))
    return causes


def not_negative(obj: Object, *fields: str) -> list[Cause]:
    return [
        invalid_value(f"spec.{field}", value, NEGATIVE)
        for field in fields
        if isinstance(value := obj["spec"].get(field), int) and value < 0
    ]


class Scaled(WithStatus):
    """What has the scale subresource."""

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        return scale_of(obj) if subresource == "scale" else super().view(ctx, subresource, obj)

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        if subresource != "scale":
            return super().put(ctx, subresource, new, old)
        replicas = (new.get("spec") or {}).get("replicas", 0)
        if replicas < 0:
            cause = invalid_value("spec.replicas", replicas, NEGATIVE)
            raise errors.invalid("Scale", "autoscaling", old["metadata"]["name"], [cause])
        out = {
            **old,
            "metadata": {**old["metadata"]},
            "spec": {**old["spec"], "replicas": replicas},
        }
        if replicas != old["spec"].get("replicas"):
            out["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        return out


def scale_of(obj: Object) -> Object:
    """autoscaling/v1 Scale. Models the ScaleREST of each kind."""
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = selectors_text(obj["spec"].get("selector") or {})
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {k: meta[k] for k in kept if k in meta},
        "spec": {"replicas": obj["spec"].get("replicas", 0)},
        "status": {"replicas": obj.get("status", {}).get("replicas", 0), "selector": selector},
    }


def selectors_text(selector: Object) -> str:
    """A LabelSelector as the query string that selects the same."""
    parts = [f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items())]
    for term in selector.get("matchExpressions") or ():
        key, values = term["key"], ",".join(sorted(term.get("values") or ()))
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[term["operator"]]
        )
    return ",".join(parts)


class Deployments(Scaled):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = spec.setdefault("strategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.get("rollingUpdate") or {}
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
            strategy["rollingUpdate"] = rolling
        default_template(spec.setdefault("template", {}))

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes = not_negative(obj, "replicas") + check_selector(obj) + check_template(obj)
        causes += _check_strategy(spec["strategy"])
        causes += not_negative(
            obj, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"
        )
        deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
        if deadline is not None and deadline <= ready:
            path, text = "spec.progressDeadlineSeconds", "must be greater than minReadySeconds"
            causes.append(invalid_value(path, deadline, text))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "spec.selector")


def _check_strategy(strategy: Object) -> list[Cause]:
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    path = "spec.strategy.rollingUpdate"
    if kind == "Recreate":
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden_field(path, text)] if rolling else []
    if kind != "RollingUpdate":
        return [not_supported("spec.strategy.type", kind, ("Recreate", "RollingUpdate"))]
    return rolling_update(rolling or {}, path, "may not be 0 when `maxSurge` is 0")


def rolling_update(rolling: Object, path: str, zero: str) -> list[Cause]:
    """Models ValidateRollingUpdateDeployment; `zero` is what is said when nothing could move."""
    low, high = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    causes = int_or_percent(low, f"{path}.maxUnavailable")
    causes += int_or_percent(high, f"{path}.maxSurge")
    if low in (0, "0%") and high in (0, "0%"):
        causes.append(invalid_value(f"{path}.maxUnavailable", low, zero))
    return causes + at_most_hundred_percent(low, f"{path}.maxUnavailable")


class ReplicaSets(Scaled):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        default_template(spec.setdefault("template", {}))

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {"replicas": 0}

    def check(self, obj: Object) -> list[Cause]:
        causes = not_negative(obj, "replicas", "minReadySeconds")
        return causes + check_selector(obj) + check_template(obj)

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        if new["spec"] == old["spec"]:
            return []
        return self.check(new) + names.immutable(new, old, "spec.selector")

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.replicas": str(obj.get("status", {}).get("replicas", 0))}


class DaemonSets(WithStatus):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("revisionHistoryLimit", 10)
        update = spec.setdefault("updateStrategy", {})
        update.setdefault("type", "RollingUpdate")
        if update["type"] == "RollingUpdate":
            rolling = update.get("rollingUpdate") or {}
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
            update["rollingUpdate"] = rolling
        default_template(spec.setdefault("template", {}))

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        _template_generation(obj, 1)
        obj["status"] = {
            "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0,
            "numberReady": 0,
        }  # fmt: skip

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        super().prepare_for_update(ctx, new, old)
        before = (old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "1")
        changed = new["spec"]["template"] != old["spec"]["template"]
        _template_generation(new, (int(before) if before.isdigit() else 1) + changed)

    def check(self, obj: Object) -> list[Cause]:
        update = obj["spec"]["updateStrategy"]
        causes = check_selector(obj) + check_template(obj) + not_negative(obj, "minReadySeconds")
        if update["type"] not in ("RollingUpdate", "OnDelete"):
            supported = ("RollingUpdate", "OnDelete")
            causes.append(not_supported("spec.updateStrategy.type", update["type"], supported))
        elif update["type"] == "RollingUpdate":
            causes += _check_daemon_update(update.get("rollingUpdate") or {})
        return causes + not_negative(obj, "revisionHistoryLimit")

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "spec.selector")


def _check_daemon_update(rolling: Object) -> list[Cause]:
    path = "spec.updateStrategy.rollingUpdate"
    low, high = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    causes: list[Cause] = []
    for field, value in (("maxUnavailable", low), ("maxSurge", high)):
        causes += int_or_percent(value, f"{path}.{field}")
        causes += at_most_hundred_percent(value, f"{path}.{field}")
    none_down, none_more = low in (0, "0%"), high in (0, "0%")
    if none_down and none_more:
        text = "cannot be 0 when maxSurge is 0"
        causes.append(required(f"{path}.maxUnavailable", text))
    elif not none_down and not none_more:
        text = "may not be set when maxUnavailable is non-zero"
        causes.append(invalid_value(f"{path}.maxSurge", high, text))
    return causes


def _template_generation(obj: Object, number: int) -> None:
    """apps/v1 keeps spec.templateGeneration of old in an annotation."""
    meta = obj["metadata"]
    meta["annotations"] = {**(meta.get("annotations") or {}), TEMPLATE_GENERATION: str(number)}


class ControllerRevisions(Kind):
    def check(self, obj: Object) -> list[Cause]:
        revision = obj.get("revision", 0)
        causes = [required("data", "data is mandatory")] if obj.get("data") is None else []
        return causes + ([invalid_value("revision", revision, NEGATIVE)] if revision < 0 else [])

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "data")
