"""Rows of autoscaling, policy, networking, scheduling, quotas and node.k8s.io."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import NONE, UNKNOWN, UNSET, age, label_selector
from cluster.machinery.meta import Object, name_of

MORE = 3  # hosts shown of an Ingress
METRICS = 2  # metrics shown of an autoscaler
FIELDS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def autoscaler(obj: Object, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    low = spec.get("minReplicas")
    return [
        name_of(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(spec.get("metrics") or [], status.get("currentMetrics") or []),
        UNSET if low is None else str(low),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age(obj, now),
    ]


def _targets(specs: list[Object], statuses: list[Object]) -> str:
    if not specs:
        return NONE
    shown = [
        _target(spec, statuses[i] if i < len(statuses) else {}) for i, spec in enumerate(specs)
    ]
    text = ", ".join(shown[:METRICS])
    return f"{text} + {len(shown) - METRICS} more..." if len(shown) > METRICS else text


def _target(spec: Object, status: Object) -> str:
    kind = spec.get("type", "")
    if kind not in FIELDS:
        return "<unknown type>"
    source = spec.get(FIELDS[kind]) or {}
    target, current = source.get("target") or {}, (status.get(FIELDS[kind]) or {}).get("current")
    have = current or {}
    if kind in ("Resource", "ContainerResource"):
        if target.get("averageValue") is not None:
            amounts = f"{have.get('averageValue', UNKNOWN)}/{target['averageValue']}"
        else:
            percent, wanted = have.get("averageUtilization"), target.get("averageUtilization")
            left = UNKNOWN if percent is None else f"{percent}%"
            amounts = f"{left}/{'<auto>' if wanted is None else f'{wanted}%'}"
        return f"{source.get('name', '')}: {amounts}"
    if kind == "Pods":
        return f"{have.get('averageValue', UNKNOWN)}/{target.get('averageValue')}"
    if target.get("averageValue") is not None:
        return f"{have.get('averageValue', UNKNOWN)}/{target['averageValue']} (avg)"
    return f"{have.get('value', UNKNOWN)}/{target.get('value')}"


def disruption_budget(obj: Object, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        name_of(obj),
        "N/A" if low is None else str(low),
        "N/A" if high is None else str(high),
        status.get("disruptionsAllowed", 0),
        age(obj, now),
    ]


def ingress(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    found = [i.get("ip") or i.get("hostname", "") for i in balancer.get("ingress") or ()]
    return [
        name_of(obj),
        spec.get("ingressClassName") or NONE,
        _hosts(spec.get("rules") or []),
        ",".join(sorted({f for f in found if f})),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def _hosts(rules: list[Object]) -> str:
    named = [r["host"] for r in rules if r.get("host")]
    if not named:
        return "*"
    text = ",".join(named[:MORE])
    return f"{text} + {len(rules) - MORE} more..." if len(rules) > MORE else text


def ingress_class(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    ref, shown = spec.get("parameters"), NONE
    if ref:
        group = f".{ref['apiGroup']}" if ref.get("apiGroup") else ""
        shown = f"{ref.get('kind', '')}{group}/{ref.get('name', '')}"
    return [name_of(obj), spec.get("controller", ""), shown, age(obj, now)]


def network_policy(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), label_selector((obj.get("spec") or {}).get("podSelector")), age(obj, now)]


def service_cidr(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), ",".join((obj.get("spec") or {}).get("cidrs") or ()), age(obj, now)]


def priority_class(obj: Object, now: float) -> list[Any]:
    return [
        name_of(obj),
        obj.get("value", 0),
        bool(obj.get("globalDefault")),
        age(obj, now),
        obj.get("preemptionPolicy", ""),
    ]


def runtime_class(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj.get("handler", ""), age(obj, now)]


def resource_quota(obj: Object, now: float) -> list[Any]:
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        text = f"{name}: {used.get(name, '0')}/{hard[name]}"
        (limits if name.startswith("limits.") else requests).append(text)
    return [name_of(obj), ", ".join(requests), ", ".join(limits), age(obj, now)]


def usage(obj: Object, now: float) -> list[Any]:
    from cluster.machinery import quantity

    found = [obj["usage"]] if "usage" in obj else [c["usage"] for c in obj["containers"]]
    cpu = sum(quantity.milli(u["cpu"]) for u in found)
    memory = sum(quantity.value(u["memory"]) for u in found) // 1024
    return [name_of(obj), f"{cpu}m", f"{memory}Ki", obj["window"]]
