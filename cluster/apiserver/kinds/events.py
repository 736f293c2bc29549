"""Events: core/v1 is stored, events.k8s.io/v1 is another view of the same object.

Models pkg/apis/events/v1/conversion.go and registry/core/event.
"""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.machinery.errors import Cause, invalid_value, required
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


MISPLACED = "does not match event.namespace"
LONGEST = 128


def _check_new(obj: Object, namespace: str, about: str) -> list[Cause]:
    causes: list[Cause] = []
    if not about and namespace not in ("default", "kube-system"):
        causes.append(invalid_value("involvedObject.namespace", about, MISPLACED))
    controller = obj.get("reportingComponent", "")
    if not controller:
        causes.append(required("reportingController"))
    causes += names.qualified(controller, "reportingController")
    for field in ("reportingInstance", "action", "reason"):
        value = obj.get(field, "")
        if not value:
            causes.append(required(field))
        if len(value) > LONGEST:
            text = f"can have at most {LONGEST} characters"
            causes.append(invalid_value(field, "", text))
    if len(obj.get("message", "")) > 1024:
        causes.append(invalid_value("message", "", "can have at most 1024 characters"))
    return causes


class Events(Kind):
    ttl = 3600  # --event-ttl
    shares_parts = False  # a recorder makes each anew; they are two thirds of a rollout's writes

    def check(self, obj: Object) -> list[Cause]:
        """Models legacyValidateEvent; an Event with an eventTime is of the new kind."""
        namespace = obj["metadata"].get("namespace", "")
        about = (obj.get("involvedObject") or {}).get("namespace", "")
        if obj.get("eventTime"):
            return _check_new(obj, namespace, about)
        if namespace == about or (not about and namespace == "default"):
            return []
        return [invalid_value("involvedObject.namespace", about, MISPLACED)]

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return []

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
