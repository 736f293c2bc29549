"""Cluster time: the only time that objects show and timers wait for.

A moment is a float of seconds since the Unix epoch. Nobody in the logic packages calls the wall
clock or sleeps; all ask a Clock. Two of them exist: VirtualClock is moved by its owner (headless),
LiveClock follows the wall at an adjustable speed from an anchor that all processes share.
"""

from __future__ import annotations

import time as _wall
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """The present moment in cluster time."""
        ...

    def wall(self) -> float:
        """The moment outside the cluster that `now` belongs to."""
        ...


class VirtualClock:
    """Stands still until `advance_to` moves it; never goes back."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:  # 2026-01-01T00:00:00Z
        self._now = start

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now

    def advance_to(self, moment: float) -> None:
        if moment > self._now:
            self._now = moment


@dataclass(frozen=True, slots=True)
class Anchor:
    """At wall moment `wall` it was `cluster` in the cluster; since then time runs at `speed`.

    A paused clock has speed 0. The anchor is data (it lives in Clock/cluster's status), so every
    process derives the same cluster time from it.
    """

    wall: float
    cluster: float
    speed: float = 1.0

    def at(self, wall: float) -> float:
        return self.cluster + max(0.0, wall - self.wall) * self.speed

    def wall_at(self, cluster: float) -> float | None:
        """The wall moment at which the cluster reaches `cluster`; None while paused."""
        if self.speed <= 0:
            return None
        return self.wall + max(0.0, cluster - self.cluster) / self.speed


class LiveClock:
    """Wall time through the current anchor; monotonic even across re-anchoring."""

    def __init__(self, anchor: Anchor | None = None) -> None:
        wall = _wall.time()
        self._anchor = anchor or Anchor(wall, wall)
        self._latest = 0.0

    @property
    def anchor(self) -> Anchor:
        return self._anchor

    def wall(self) -> float:
        return _wall.time()

    def set_anchor(self, anchor: Anchor) -> None:
        self._anchor = anchor

    def now(self) -> float:
        moment = self._anchor.at(_wall.time())
        if moment > self._latest:
            self._latest = moment
        return self._latest


@lru_cache(maxsize=4096)
def _format_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_time(moment: float) -> str:
    """metav1.Time: whole seconds, `2026-01-01T00:00:00Z`."""
    return _format_second(int(moment))


def format_micro_time(moment: float) -> str:
    """metav1.MicroTime: `2026-01-01T00:00:00.000000Z`."""
    micros = round(moment * 1_000_000)
    second, rest = divmod(micros, 1_000_000)
    return f"{_format_second(second)[:-1]}.{rest:06d}Z"


@lru_cache(maxsize=4096)
def parse_time(text: str) -> float:
    """Either form, with Z or an offset; ValueError otherwise."""
    return datetime.fromisoformat(text).timestamp()
