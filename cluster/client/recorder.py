"""Events as upstream's recorder writes them; what is written at all, the correlator decides.

Models k8s.io/client-go/tools/record.
"""

from __future__ import annotations

from typing import Literal

from cluster.apiserver.resources import EVENTS
from cluster.client.client import Client
from cluster.client.correlator import Correlator, Written
from cluster.machinery.clock import Clock, format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, object_reference


class EventRecorder:
    """`component` is the event's source, `host` the node of a kubelet's or kube-proxy's event."""

    def __init__(self, client: Client, clock: Clock, component: str, host: str = "") -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._host = host
        self._correlator = Correlator()
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
        subject = (
            host,
            reference["kind"],
            reference.get("namespace", ""),
            reference["name"],
            reference.get("uid", ""),
        )
        sort = (*subject, field_path, kind, reason)
        verdict = self._correlator.observe(subject, sort, message, self._clock.now())
        if verdict is None:
            return
        written, text = verdict
        event = self._new(reference, kind, reason, text, host)
        if written.name:
            self._repeat(written, event)
        else:
            self._create(written, event)

    def _create(self, written: Written, event: Object) -> None:
        written.namespace = event["metadata"]["namespace"]
        written.name = event["metadata"]["name"]

        def failed(error: StatusError) -> None:
            """Another recorder had the same nanosecond. That an Event is lost for another reason
            (its namespace is gone, say) is not worth another reconcile."""
            if error.reason == "AlreadyExists":
                name = self._name(event["involvedObject"], self._clock.now())
                self._create(written, {**event, "metadata": {**event["metadata"], "name": name}})

        self._client.create({**event, "count": written.count}, on_error=failed)

    def _name(self, reference: Object, now: float) -> str:
        """Upstream's names end in the nanosecond; two events at one virtual moment must differ."""
        self._last_nanos = max(int(now * 1_000_000_000), self._last_nanos + 1)
        return f"{reference['name']}.{self._last_nanos:x}"

    def _new(self, reference: Object, kind: str, reason: str, message: str, host: str) -> Object:
        now = self._clock.now()
        namespace = reference.get("namespace") or "default"
        stamp = format_time(now)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": self._name(reference, now), "namespace": namespace},
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

    def _repeat(self, written: Written, again: Object) -> None:
        raised = {"count": written.count} | {k: again[k] for k in ("lastTimestamp", "message")}

        def failed(error: StatusError) -> None:
            if error.code == 404:  # it has expired meanwhile
                self._create(written, again)

        self._client.patch(
            EVENTS,
            written.namespace,
            written.name,
            lambda event: {**event, **raised},
            on_error=failed,
        )
