"""HorizontalPodAutoscalers. Models pkg/apis/autoscaling (v2 is the stored version)."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.hpaversions import SOURCES
from cluster.apiserver.strategy import Context
from cluster.machinery import quantity
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, not_supported, required
from cluster.machinery.meta import Object

NEGATIVE = "must be greater than or equal to 0"
SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
SCALE_DOWN = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
MAX_PERIOD, MAX_WINDOW = 1800, 3600


class HorizontalPodAutoscalers(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("minReplicas", 1)
        if not spec.get("metrics"):
            target = {"type": "Utilization", "averageUtilization": 80}
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
        behavior = spec.get("behavior")
        if behavior is not None:
            for field, rules in (("scaleUp", SCALE_UP), ("scaleDown", SCALE_DOWN)):
                given = behavior.get(field) or {}
                behavior[field] = {**rules, **{k: v for k, v in given.items() if v is not None}}

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        super().prepare_for_create(ctx, obj)
        obj["status"] = {"desiredReplicas": 0}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        low, high = spec["minReplicas"], spec.get("maxReplicas", 0)
        if low < 1:
            text = "must be greater than or equal to 1"
            causes.append(invalid_value("spec.minReplicas", low, text))
        if high < 1:
            causes.append(invalid_value("spec.maxReplicas", high, "must be greater than 0"))
        if high < low:
            text = "must be greater than or equal to `minReplicas`"
            causes.append(invalid_value("spec.maxReplicas", high, text))
        causes += check_reference(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
        for index, metric in enumerate(spec["metrics"]):
            causes += _check_metric(metric, f"spec.metrics[{index}]")
        return causes + _check_behavior(spec.get("behavior") or {})


def check_reference(ref: Object, path: str) -> list[Cause]:
    """Models ValidateCrossVersionObjectReference."""
    causes: list[Cause] = []
    for field in ("kind", "name"):
        value = ref.get(field, "")
        if not value:
            causes.append(required(f"{path}.{field}"))
        else:
            texts = names.path_segment(value)
            causes += [invalid_value(f"{path}.{field}", value, t) for t in texts]
    return causes


def _check_metric(metric: Object, path: str) -> list[Cause]:
    kind = metric.get("type", "")
    if not kind:
        return [required(f"{path}.type", "must specify a metric source type")]
    if kind not in SOURCES:
        return [not_supported(f"{path}.type", kind, tuple(SOURCES))]
    field = SOURCES[kind]
    causes = [
        forbidden_field(f"{path}.{other}", "must populate the given metric source only")
        for other in SOURCES.values()
        if other != field and metric.get(other) is not None
    ]
    source = metric.get(field)
    if source is None:
        text = "must populate information for the given metric source"
        return [*causes, required(f"{path}.{field}", text)]
    here = f"{path}.{field}"
    if kind in ("Resource", "ContainerResource"):
        if not source.get("name"):
            causes.append(required(f"{here}.name", "must specify a resource name"))
        if kind == "ContainerResource" and not source.get("container"):
            causes.append(required(f"{here}.container", "must specify a container"))
    else:
        if kind == "Object":
            causes += check_reference(
                source.get("describedObject") or {}, f"{here}.describedObject"
            )
        if not (source.get("metric") or {}).get("name"):
            causes.append(required(f"{here}.metric.name", "must specify a metric name"))
    return causes + _check_target(kind, source.get("target") or {}, here)


def _check_target(kind: str, target: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    here, types = f"{path}.target", ("Utilization", "Value", "AverageValue")
    if not target.get("type"):
        causes.append(required(f"{here}.type", "must specify a metric target type"))
    elif target["type"] not in types:
        text = "must be either Utilization, Value, or AverageValue"
        causes.append(invalid_value(f"{here}.type", target["type"], text))
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and quantity.is_valid(amount) and quantity.parse(str(amount)) <= 0:
            causes.append(invalid_value(f"{here}.{field}", str(amount), "must be positive"))
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        causes.append(
            invalid_value(f"{here}.averageUtilization", percent, "must be greater than 0")
        )
    if kind in ("Resource", "ContainerResource"):
        if percent is None and target.get("averageValue") is None:
            text = "must set either a target raw value or a target utilization"
            causes.append(required(f"{here}.averageUtilization", text))
        if percent is not None and target.get("averageValue") is not None:
            text = "may not set both a target raw value and a target utilization"
            causes.append(forbidden_field(f"{here}.averageValue", text))
    elif kind == "Pods" and target.get("averageValue") is None:
        causes.append(
            required(f"{here}.averageValue", "must specify a positive target averageValue")
        )
    elif target.get("value") is None and target.get("averageValue") is None:
        text = "must set either a target value for metric or a per-pod target"
        if kind == "Object":
            text = "must set either a target value or averageValue"
        causes.append(required(f"{here}.averageValue", text))
    return causes


def _check_behavior(behavior: Object) -> list[Cause]:
    causes: list[Cause] = []
    for field in ("scaleUp", "scaleDown"):
        rules = behavior.get(field)
        if not rules:
            continue
        path = f"spec.behavior.{field}"
        window = rules.get("stabilizationWindowSeconds")
        if window is not None and window < 0:
            text = "must be greater than or equal to zero"
            causes.append(invalid_value(f"{path}.stabilizationWindowSeconds", window, text))
        if window is not None and window > MAX_WINDOW:
            text = f"must be less than or equal to {MAX_WINDOW}"
            causes.append(invalid_value(f"{path}.stabilizationWindowSeconds", window, text))
        if rules["selectPolicy"] not in ("Max", "Min", "Disabled"):
            supported = ("Disabled", "Max", "Min")
            causes.append(not_supported(f"{path}.selectPolicy", rules["selectPolicy"], supported))
        if not rules.get("policies"):
            causes.append(required(f"{path}.policies", "must specify at least one Policy"))
        for index, policy in enumerate(rules.get("policies") or ()):
            causes += _check_policy(policy, f"{path}.policies[{index}]")
    return causes


def _check_policy(policy: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if policy.get("type") not in ("Pods", "Percent"):
        causes.append(not_supported(f"{path}.type", policy.get("type", ""), ("Percent", "Pods")))
    for field in ("value", "periodSeconds"):
        if policy.get(field, 0) <= 0:
            text = "must be greater than zero"
            causes.append(invalid_value(f"{path}.{field}", policy.get(field, 0), text))
    if policy.get("periodSeconds", 0) > MAX_PERIOD:
        text = f"must be less than or equal to {MAX_PERIOD}"
        causes.append(invalid_value(f"{path}.periodSeconds", policy["periodSeconds"], text))
    return causes
