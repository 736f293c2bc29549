"""Events as upstream's recorder writes them, with its correlation of repeats.

The same event about the same object again raises `count` and `lastTimestamp` of the first one.
Models k8s.io/client-go/tools/record.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from cluster.apiserver.resources import EVENTS
from cluster.client.client import Client
from cluster.machinery.clock import Clock, format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, object_reference

CACHE = 4096  # record.maxLruCacheEntries


@dataclass(slots=True)
class _Seen:
    namespace: str
    name: str
    count: int


def _ignore(_: StatusError) -> None:
    """Losing an Event is not worth another reconcile (namespace gone, event expired)."""


class EventRecorder:
    """`component` is the event's source, `host` the node of a kubelet's or kube-proxy's event."""

    def __init__(self, client: Client, clock: Clock, component: str, host: str = "") -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._host = host
        self._seen: OrderedDict[tuple[str, ...], _Seen] = OrderedDict()
        self._last_nanos = 0

    def event(
        self,
        about: Object,
        kind: Literal["Normal", "Warning"],
        reason: str,
        message: str,
        *,
        field_path: str = "",
        host: str = "",
    ) -> None:
        """Queue an Event; `field_path` as in `spec.containers{web}`; `host` overrides the node."""
        reference = object_reference(about, field_path)
        host = host or self._host
        identity = (
            host,
            reference["kind"],
            reference.get("namespace", ""),
            reference["name"],
            reference.get("uid", ""),
            field_path,
            kind,
            reason,
            message,
        )
        seen = self._seen.get(identity)
        if seen is not None:
            self._seen.move_to_end(identity)
            self._repeat(seen)
            return
        event = self._new(reference, kind, reason, message, host)
        meta = event["metadata"]
        self._seen[identity] = _Seen(meta["namespace"], meta["name"], 1)
        if len(self._seen) > CACHE:
            self._seen.popitem(last=False)
        self._client.create(event, on_error=_ignore)

    def _new(self, reference: Object, kind: str, reason: str, message: str, host: str) -> Object:
        now = self._clock.now()
        # Upstream's names end in the nanosecond; two events at one virtual moment must differ.
        self._last_nanos = max(int(now * 1_000_000_000), self._last_nanos + 1)
        namespace = reference.get("namespace") or "default"
        stamp = format_time(now)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{reference['name']}.{self._last_nanos:x}",
                "namespace": namespace,
            },
            "involvedObject": reference,
            "reason": reason,
            "message": message,
            "source": {"component": self._component, **({"host": host} if host else {})},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": host,
        }

    def _repeat(self, seen: _Seen) -> None:
        seen.count += 1
        count, stamp = seen.count, format_time(self._clock.now())

        def raise_count(event: Object) -> Object:
            return {**event, "count": count, "lastTimestamp": stamp}

        self._client.patch(EVENTS, seen.namespace, seen.name, raise_count, on_error=_ignore)
