"""Tells the world that a pod could not be scheduled: its condition and an Event.

Models handleSchedulingFailure and updatePod in pkg/scheduler/schedule_one.go.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from cluster.client import Client, EventRecorder, kinds
from cluster.machinery.clock import Clock
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, condition, set_condition, with_status

NOTE_LIMIT = 1024  # Models validation.NoteLengthLimit
SERIES_REFRESH = 1800.0  # Models events.refreshTime
REMEMBERED = 4096
UNSCHEDULABLE = "Unschedulable"
ERROR = "SchedulerError"


def truncated(message: str) -> str:
    if len(message) <= NOTE_LIMIT:
        return message
    return message[: NOTE_LIMIT - 4] + " ..."


class Verdicts:
    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._told: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def failed(
        self,
        recorder: EventRecorder,
        pod: Object,
        reason: str,
        message: str,
        nominated: str | None = None,
    ) -> None:
        """`nominated` None leaves status.nominatedNodeName, the empty string clears it."""
        if self._worth_an_event(pod, message):
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

    def _worth_an_event(self, pod: Object, message: str) -> bool:
        """The first and the second of its kind, then one in half an hour: the second makes it a
        series, which upstream writes that seldom (client-go/tools/events)."""
        identity, now = (pod["metadata"].get("uid", ""), message), self._clock.now()
        count, since = self._told.pop(identity, (0, now))
        silent = count >= 2 and now - since < SERIES_REFRESH
        self._told[identity] = (count, since) if silent else (count + 1, now)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return not silent

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
