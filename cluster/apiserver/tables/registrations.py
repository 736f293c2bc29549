"""Rows of the API server's own configuration: webhooks, policies, API services, flow control, and
of resource.k8s.io."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import NONE, UNSET, age
from cluster.machinery.meta import Object, condition, name_of


def webhooks(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), len(obj.get("webhooks") or ()), age(obj, now)]


def admission_policy(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    ref = spec.get("paramKind")
    kind = f"{ref.get('apiVersion', '')}/{ref.get('kind', '')}" if ref else UNSET
    return [name_of(obj), len(spec.get("validations") or ()), kind, age(obj, now)]


def policy_binding(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    ref, shown = spec.get("paramRef"), UNSET
    if ref:
        shown = ref.get("name") or "*"
        if ref.get("namespace"):
            shown = f"{ref['namespace']}/{shown}"
    return [name_of(obj), spec.get("policyName", ""), shown, age(obj, now)]


def api_service(obj: Object, now: float) -> list[Any]:
    service = (obj.get("spec") or {}).get("service")
    where = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    available = condition((obj.get("status") or {}).get("conditions"), "Available")
    shown = "Unknown" if available is None else available["status"]
    if available is not None and shown != "True":
        shown = f"{shown} ({available.get('reason', '')})"
    return [name_of(obj), where, shown, age(obj, now)]


def flow_schema(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    dangling = condition((obj.get("status") or {}).get("conditions"), "Dangling")
    return [
        name_of(obj),
        (spec.get("priorityLevelConfiguration") or {}).get("name", ""),
        spec.get("matchingPrecedence", 0),
        (spec.get("distinguisherMethod") or {}).get("type") or NONE,
        age(obj, now),
        "?" if dangling is None else dangling["status"],
    ]


def priority_level(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    limited = spec.get("limited") or spec.get("exempt") or {}
    queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing") or {}
    shown = [queuing.get(f, NONE) for f in ("queues", "handSize", "queueLengthLimit")]
    shares = limited.get("nominalConcurrencyShares", NONE)
    return [name_of(obj), spec.get("type", ""), shares, *shown, age(obj, now)]


def named(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), age(obj, now)]


def resource_claim(obj: Object, now: float) -> list[Any]:
    status = obj.get("status") or {}
    states = []
    if "deletionTimestamp" in obj["metadata"]:
        states.append("deleted")
    if status.get("allocation"):
        states.append("allocated")
        if status.get("reservedFor"):
            states.append("reserved")
    else:
        states.append("pending")
    return [name_of(obj), ",".join(states), age(obj, now)]


def resource_slice(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    node = spec.get("nodeName") or UNSET
    pool = (spec.get("pool") or {}).get("name", "")
    return [name_of(obj), node, spec.get("driver", ""), pool, age(obj, now)]


def component_status(obj: Object, now: float) -> list[Any]:
    healthy = condition(obj.get("conditions"), "Healthy") or {}
    shown = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.get("status", ""), "Unknown")
    return [name_of(obj), shown, healthy.get("message", ""), healthy.get("error", "")]
