"""Tells the world that a pod could not be scheduled: its condition and an Event.

Models handleSchedulingFailure and updatePod in pkg/scheduler/schedule_one.go.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.client import Client, EventRecorder, kinds
from cluster.machinery.clock import Clock
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, condition, set_condition, with_status

NOTE_LIMIT = 1024  # Models validation.NoteLengthLimit
SERIES_REFRESH = 1800.0  # Models events.refreshTime
UNSCHEDULABLE = "Unschedulable"
ERROR = "SchedulerError"


def truncated(message: str) -> str:
    if len(message) <= NOTE_LIMIT:
        return message
    return message[: NOTE_LIMIT - 4] + " ..."


class Told:
    """What was last said of a pod. Saying the same again makes it a series, which upstream writes
    only at its second occurrence and then every half hour (client-go/tools/events)."""

    __slots__ = ("_count", "_message", "_since")

    def __init__(self) -> None:
        self._message = ""
        self._count = 0
        self._since = 0.0

    def worth_an_event(self, message: str, now: float) -> bool:
        if message != self._message:
            self._message, self._count = message, 0
        if self._count >= 2 and now - self._since < SERIES_REFRESH:
            return False
        self._count += 1
        self._since = now
        return True


class Verdicts:
    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def failed(
        self,
        recorder: EventRecorder,
        told: Told,
        pod: Object,
        reason: str,
        message: str,
        nominated: str | None = None,
    ) -> None:
        """`nominated` None leaves status.nominatedNodeName, the empty string clears it."""
        if told.worth_an_event(message, self._clock.now()):
            recorder.event(pod, "Warning", "FailedScheduling", truncated(message))
        wanted = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "reason": reason,
            "message": message,
        }
        generation = pod["metadata"].get("generation")
        if generation:
            wanted["observedGeneration"] = generation
        if not _changes(pod, wanted, nominated):
            return
        self._patch(pod, lambda current: self._written(current, wanted, nominated))

    def nominate(self, pod: Object, node: str) -> None:
        """Only status.nominatedNodeName; the empty string clears it."""
        self._patch(pod, lambda current: _nominated(current, node))

    def _written(self, current: Object, wanted: Object, nominated: str | None) -> Object:
        if current["spec"].get("nodeName"):
            return current
        status = current.get("status") or {}
        conditions = set_condition(status.get("conditions"), wanted, self._clock.now())
        out = with_status(current, {**status, "conditions": conditions})
        return out if nominated is None else _nominated(out, nominated)

    def _patch(self, pod: Object, transform: Callable[[Object], Object]) -> None:
        meta = pod["metadata"]
        self._client.patch(
            kinds.PODS,
            meta["namespace"],
            meta["name"],
            transform,
            subresource="status",
            base=pod,
            on_error=_ignore,
        )


def _ignore(_: StatusError) -> None:
    """The pod went, or is bound by somebody else: an event of it follows."""


def _nominated(pod: Object, node: str) -> Object:
    status = {k: v for k, v in (pod.get("status") or {}).items() if k != "nominatedNodeName"}
    if node:
        status["nominatedNodeName"] = node
    return with_status(pod, status)


def _changes(pod: Object, wanted: Object, nominated: str | None) -> bool:
    status = pod.get("status") or {}
    have = condition(status.get("conditions"), wanted["type"])
    if have is None or any(have.get(k) != v for k, v in wanted.items()):
        return True
    return nominated is not None and nominated != (status.get("nominatedNodeName") or "")
