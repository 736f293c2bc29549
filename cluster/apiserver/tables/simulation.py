"""Rows of orrery.sim."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.tables.formats import age, joined
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, name_of


def clock(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec", {})
    paused = str(bool(spec.get("paused"))).lower()
    return [name_of(obj), format_time(now), f"{spec.get('speed', 1):g}x", paused, age(obj, now)]


def fault(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    target = spec.get("target") or {}
    names = joined(target.get("names") or (), 3)
    return [name_of(obj), spec.get("type", ""), f"{target.get('kind', '')}/{names}", age(obj, now)]


def machine(obj: Object, now: float) -> list[Any]:
    spec = obj["spec"]
    zone = spec.get("zone", "")
    return [
        name_of(obj),
        spec["role"],
        str(spec["cpu"]),
        spec["memory"],
        spec["pods"],
        zone,
        age(obj, now),
    ]


def scheduling_decision(obj: Object, now: float) -> list[Any]:
    status = obj.get("status") or {}
    attempts = status.get("attempts") or [{}]
    node = status.get("node") or "<none>"
    made = attempts[-1].get("attempt", 0)
    return [name_of(obj), node, made, status.get("message", ""), age(obj, now)]
