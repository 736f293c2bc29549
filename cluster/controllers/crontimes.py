"""Which moment of a CronJob's schedule counts now. Models pkg/controller/cronjob/utils.go."""

from __future__ import annotations

from typing import Any

from cluster.machinery import cron
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object

Times = cron.Schedule | cron.Every
MANY = 100  # missed moments that deserve a warning


def schedule_of(found: Object) -> Times | None:
    """None for one that cannot be read."""
    spec = found["spec"]
    try:
        return cron.parse(spec["schedule"], spec.get("timeZone") or "")
    except cron.CronError:
        return None


def most_recent(
    found: Object, status: dict[str, Any], times: Times, now: float, bounded: bool
) -> tuple[float | None, int]:
    """(the latest moment that has come since the last start, how many have passed unused).

    `bounded`: moments older than startingDeadlineSeconds are not looked at.
    """
    earliest = parse_time(found["metadata"]["creationTimestamp"])
    if status.get("lastScheduleTime"):
        earliest = parse_time(status["lastScheduleTime"])
    deadline = found["spec"].get("startingDeadlineSeconds")
    if bounded and deadline is not None:
        earliest = max(earliest, now - deadline)
    first = times.next(earliest)
    if first is None or now < first:
        return None, 0
    second = times.next(first)
    if second is None or now < second:
        return first, 0
    distance = max(1, round(second - first))
    missed = int(now - first) // distance + 1
    # Near its end the schedule is followed step by step; distances need not be equal.
    moment = times.next(first + (missed - 2) * distance)
    recent: float | None = None
    while moment is not None and moment <= now:
        recent, moment = moment, times.next(moment)
    return (recent if recent is not None else first), missed
