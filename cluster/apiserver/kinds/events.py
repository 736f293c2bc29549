"""Events: core/v1 is stored, events.k8s.io/v1 is another view of the same object.

Models pkg/apis/events/v1/conversion.go and registry/core/event.
"""

from __future__ import annotations

from cluster.apiserver.kinds.base import Kind
from cluster.machinery.meta import Object

# (events.k8s.io/v1, core/v1)
NAMES = (
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
    ("deprecatedCount", "count"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedSource", "source"),
)
TO_CORE = dict(NAMES)
TO_EVENTS = {core: events for events, core in NAMES}


def from_events_v1(obj: Object) -> Object:
    return {TO_CORE.get(key, key): value for key, value in obj.items()}


def to_events_v1(obj: Object) -> Object:
    return {TO_EVENTS.get(key, key): value for key, value in obj.items()}


ABOUT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


class Events(Kind):
    ttl = 3600  # --event-ttl
    shares_parts = False  # a recorder makes each anew; they are two thirds of a rollout's writes

    def fields(self, obj: Object) -> dict[str, str]:
        about = obj.get("involvedObject") or {}
        out = {f"involvedObject.{field}": str(about.get(field, "")) for field in ABOUT}
        source = (obj.get("source") or {}).get("component", "")
        reporting = obj.get("reportingComponent", "")
        return {
            **out,
            "reason": obj.get("reason", ""),
            "reportingComponent": reporting,
            "source": source or reporting,
            "type": obj.get("type", ""),
        }
