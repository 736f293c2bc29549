"""HorizontalPodAutoscaler v2 is stored; v1 keeps what it has no field for in annotations.

Models pkg/apis/autoscaling/v1/conversion.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from cluster.machinery.meta import Object, annotations_of

PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, CURRENT = f"{PREFIX}metrics", f"{PREFIX}current-metrics"
CONDITIONS, BEHAVIOR = f"{PREFIX}conditions", f"{PREFIX}behavior"
KEPT = (METRICS, CURRENT, CONDITIONS, BEHAVIOR)
SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def _is_cpu(metric: Object) -> bool:
    source = metric.get("resource") or {}
    return metric.get("type") == "Resource" and source.get("name") == "cpu"


def _utilization(metric: Object) -> Any:
    source = metric["resource"]
    return (source.get("target") or source.get("current") or {}).get("averageUtilization")


# ---- v2 -> v1


def to_v1(obj: Object) -> Object:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    kept = ("scaleTargetRef", "minReplicas", "maxReplicas")
    out_spec = {k: spec[k] for k in kept if k in spec}
    shown = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
    out_status = {k: status[k] for k in shown if k in status}
    notes = {k: v for k, v in annotations_of(obj).items() if k not in KEPT}
    others = []
    for metric in spec.get("metrics") or ():
        percent = _utilization(metric) if _is_cpu(metric) else None
        if percent is not None and "targetCPUUtilizationPercentage" not in out_spec:
            out_spec["targetCPUUtilizationPercentage"] = percent
        else:
            others.append(_metric_to_v1(metric, "target"))
    current = status.get("currentMetrics") or []
    for metric in current:
        if _is_cpu(metric) and _utilization(metric) is not None:
            out_status["currentCPUUtilizationPercentage"] = _utilization(metric)
    for key, value in (
        (METRICS, others),
        (CURRENT, [_metric_to_v1(m, "current") for m in current]),
        (CONDITIONS, status.get("conditions")),
        (BEHAVIOR, spec.get("behavior")),
    ):
        if value:
            notes[key] = orjson.dumps(value).decode()
    meta = {**obj["metadata"], "annotations": notes}
    if not notes:
        del meta["annotations"]
    return {**obj, "metadata": meta, "spec": out_spec, "status": out_status}


def _metric_to_v1(metric: Object, which: str) -> Object:
    kind = metric.get("type", "")
    if kind not in SOURCES:  # the status of a metric that could not be read
        return {"type": kind}
    field = SOURCES[kind]
    source = metric.get(field) or {}
    amounts = source.get(which) or {}
    out: Object = {k: source[k] for k in ("name", "container") if k in source}
    named = source.get("metric") or {}
    if "name" in named:
        out["metricName"] = named["name"]
    if named.get("selector"):
        out["metricSelector" if kind == "External" else "selector"] = named["selector"]
    if kind == "Object":
        out["target"] = source.get("describedObject") or {}
        _copy(amounts, "averageValue", out, "averageValue")
        _copy(amounts, "value", out, f"{which}Value", "0")
    else:
        _copy(amounts, "averageValue", out, f"{which}AverageValue")
        _copy(amounts, "averageUtilization", out, f"{which}AverageUtilization")
        if kind == "External":
            _copy(amounts, "value", out, f"{which}Value")
    return {"type": kind, field: out}


def _copy(source: Object, name: str, target: Object, new: str, default: Any = None) -> None:
    value = source.get(name, default)
    if value is not None:
        target[new] = value


# ---- v1 -> v2


def from_v1(obj: Object) -> Object:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    notes = annotations_of(obj)
    out_spec = {k: v for k, v in spec.items() if k != "targetCPUUtilizationPercentage"}
    out_status = {k: v for k, v in status.items() if k != "currentCPUUtilizationPercentage"}
    metrics = _decoded(notes.get(METRICS), lambda m: _metric_from_v1(m, "target"))
    percent = spec.get("targetCPUUtilizationPercentage")
    if percent is not None:
        metrics.append(_cpu("target", {"type": "Utilization", "averageUtilization": percent}))
    if metrics:
        out_spec["metrics"] = metrics
    if behavior := _json(notes.get(BEHAVIOR), dict):
        out_spec["behavior"] = behavior
    current = _decoded(notes.get(CURRENT), lambda m: _metric_from_v1(m, "current"))
    percent = status.get("currentCPUUtilizationPercentage")
    if percent is not None and not any(_is_cpu(m) for m in current):
        current.append(_cpu("current", {"averageUtilization": percent}))
    out_status["currentMetrics"] = current
    out_status["conditions"] = _json(notes.get(CONDITIONS), list) or []
    meta = dict(obj.get("metadata") or {})
    if notes:
        rest = {k: v for k, v in notes.items() if k not in KEPT}
        meta["annotations"] = rest
        if not rest:
            del meta["annotations"]
    return {
        **obj,
        "metadata": meta,
        "spec": out_spec,
        "status": {k: v for k, v in out_status.items() if v not in ([], None)},
    }


def _cpu(which: str, amounts: Object) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", which: amounts}}


def _json(text: str | None, kind: type) -> Any:
    """An annotation somebody broke by hand is as good as none."""
    try:
        value = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, kind) else None


def _decoded(text: str | None, convert: Callable[[Object], Object]) -> list[Object]:
    found = _json(text, list) or []
    return [convert(m) for m in found if isinstance(m, dict)]


def _metric_from_v1(metric: Object, which: str) -> Object:
    kind = metric.get("type", "")
    if kind not in SOURCES:
        return {"type": kind}
    field = SOURCES[kind]
    source = metric.get(field) or {}
    out: Object = {k: source[k] for k in ("name", "container") if k in source}
    if "metricName" in source:
        out["metric"] = {"name": source["metricName"]}
        selector = source.get("metricSelector") or source.get("selector")
        if selector:
            out["metric"]["selector"] = selector
    amounts: Object = {}
    if kind == "Object":
        out["describedObject"] = source.get("target") or {}
    _copy(source, f"{which}AverageUtilization", amounts, "averageUtilization")
    _copy(source, f"{which}AverageValue", amounts, "averageValue")
    _copy(source, "averageValue", amounts, "averageValue")
    if "averageValue" not in amounts or which == "current":
        _copy(source, f"{which}Value", amounts, "value")
    if which == "target":
        amounts = {"type": _target_type(amounts), **amounts}
    return {"type": kind, field: {**out, which: amounts}}


def _target_type(amounts: Object) -> str:
    if "averageUtilization" in amounts:
        return "Utilization"
    return "AverageValue" if "averageValue" in amounts else "Value"
