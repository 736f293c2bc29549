"""What is shown differently from how it is stored, because it follows from the moment.

A healthy kubelet's heartbeats are not written: its lease says that it is live, and every reader
computes the same renewTime. The clock's status shows the present.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import orjson

from cluster.apiserver import conversion
from cluster.apiserver.cacher import Entry
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.resources import CLOCKS, LEASES, NODES, VERSIONS, Resource
from cluster.machinery.clock import format_micro_time, format_time, parse_time
from cluster.machinery.meta import Object, annotations_of

HEARTBEAT = "orrery.sim/heartbeat"
STATUS_SECONDS = 300  # nodeStatusReportFrequency


def lease(obj: Object, now: float) -> Object:
    period = annotations_of(obj).get(HEARTBEAT)
    renewed = (obj.get("spec") or {}).get("renewTime")
    if not period or not renewed:
        return obj
    start = parse_time(renewed)
    beats = max(0.0, now - start) // int(period)
    shown = format_micro_time(start + beats * int(period))
    return {**obj, "spec": {**obj["spec"], "renewTime": shown}}


def node(obj: Object, now: float) -> Object:
    """Ready=True means that the kubelet goes on reporting."""
    status = obj.get("status") or {}
    conditions = status.get("conditions") or []
    if not any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
        return obj
    return {**obj, "status": {**status, "conditions": [_beat(c, now) for c in conditions]}}


def _beat(condition: Object, now: float) -> Object:
    last = condition.get("lastHeartbeatTime")
    if not last:
        return condition
    start = parse_time(last)
    beats = max(0.0, now - start) // STATUS_SECONDS
    return {**condition, "lastHeartbeatTime": format_time(start + beats * STATUS_SECONDS)}


def clock(obj: Object, now: float) -> Object:
    return {**obj, "status": {**(obj.get("status") or {}), "time": format_time(now)}}


def _version(resource: Resource, obj: Object, now: float) -> Object:
    return conversion.shown(resource, obj)


DERIVED: dict[Resource, Callable[[Object, float], Object]] = {
    CLOCKS: clock,
    LEASES: lease,
    NODES: node,
    **{v: partial(_version, v) for v in VERSIONS},
}


def is_derived(resource: Resource) -> bool:
    """Whether the served body may differ from the stored one."""
    return resource in DERIVED or isinstance(resource, CustomResource)


def decoded(resource: Resource, entry: Entry, now: float) -> Object:
    derive = DERIVED.get(resource)
    obj = entry.decode()
    if isinstance(resource, CustomResource):
        return resource.read(obj)
    return derive(obj, now) if derive is not None else obj


def body(resource: Resource, entry: Entry, now: float) -> bytes:
    """The served bytes; only what has something derived is decoded for it."""
    derive = DERIVED.get(resource)
    if derive is None:
        if isinstance(resource, CustomResource):
            return resource.shown(entry.body, entry.revision)
        return entry.body
    return SHAPES.expand(orjson.dumps(derive(entry.decode(), now)))
