"""How far and how fast an autoscaler may go. Models the normalisation of
pkg/controller/podautoscaler/horizontal.go.

    wanted by the metrics -> stabilized over a window -> limited by policies, minimum and maximum
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cluster.machinery.meta import Object

WINDOW = 300.0  # --horizontal-pod-autoscaler-downscale-stabilization
FASTER = "the desired replica count is {} faster than the maximum scale rate"
MORE = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
FEWER = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
UP_LIMIT = ("ScaleUpLimit", FASTER.format("increasing"))
DOWN_LIMIT = ("ScaleDownLimit", FASTER.format("decreasing"))
LOWEST = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
HIGHEST = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent "
    "recommendation",
)
READY = ("ReadyForNewScale", "recommended size matches current size")
Why = tuple[str, str]  # reason and message


@dataclass(slots=True)
class Memory:
    """What is remembered of one autoscaler: (moment, number of replicas)."""

    recommended: list[tuple[float, int]] = field(default_factory=list)
    grown: list[tuple[float, int]] = field(default_factory=list)  # changes
    shrunk: list[tuple[float, int]] = field(default_factory=list)

    def scaled(self, now: float, before: int, after: int) -> None:
        if after > before:
            self.grown.append((now, after - before))
        else:
            self.shrunk.append((now, before - after))


@dataclass(frozen=True, slots=True)
class Bounds:
    least: int
    most: int
    current: int


def stabilize(rules: Object, memory: Memory, current: int, wanted: int, now: float) -> int:
    """Models stabilizeRecommendation and stabilizeRecommendationWithBehaviors."""
    up_from = now - _window(rules, "scaleUp", 0.0)
    down_from = now - _window(rules, "scaleDown", WINDOW)
    low = min([wanted, *(n for at, n in memory.recommended if at > up_from)])
    high = max([wanted, *(n for at, n in memory.recommended if at > down_from)])
    kept = min(up_from, down_from)
    memory.recommended = [(at, n) for at, n in memory.recommended if at > kept]
    memory.recommended.append((now, wanted))
    if not rules:
        return high
    return min(max(current, low), high)


def _window(rules: Object, way: str, default: float) -> float:
    given = (rules.get(way) or {}).get("stabilizationWindowSeconds")
    return default if given is None else float(given)


def why_stabilized(current: int, wanted: int, stabilized: int) -> Why:
    if stabilized == wanted:
        return READY
    return LOWEST if wanted >= current and stabilized < wanted else HIGHEST


def limit(
    rules: Object, memory: Memory, bounds: Bounds, wanted: int, now: float
) -> tuple[int, Why]:
    """Models convertDesiredReplicasWithRules and convertDesiredReplicasWithBehaviorRate."""
    if not rules:
        return _limit_simply(bounds, wanted)
    current = bounds.current
    if wanted > current:
        ceiling = max(current, _up_limit(rules["scaleUp"], memory, current, now))
        if wanted > min(ceiling, bounds.most):
            return min(ceiling, bounds.most), UP_LIMIT if ceiling < bounds.most else MORE
    elif wanted < current:
        floor = min(current, _down_limit(rules["scaleDown"], memory, current, now))
        if wanted < max(floor, bounds.least):
            return max(floor, bounds.least), DOWN_LIMIT if floor > bounds.least else FEWER
    return wanted, WITHIN


def _limit_simply(bounds: Bounds, wanted: int) -> tuple[int, Why]:
    ceiling = max(2 * bounds.current, 4)
    if wanted < bounds.least:
        return bounds.least, FEWER
    if wanted > min(ceiling, bounds.most):
        return min(ceiling, bounds.most), UP_LIMIT if ceiling < bounds.most else MORE
    return wanted, WITHIN


def _changes(events: list[tuple[float, int]], period: float, now: float) -> int:
    return sum(n for at, n in events if at > now - period)


def _up_limit(rules: Object, memory: Memory, current: int, now: float) -> int:
    if rules.get("selectPolicy") == "Disabled":
        return current
    proposals = []
    for policy in rules["policies"]:
        period = policy["periodSeconds"]
        start = current - _changes(memory.grown, period, now) + _changes(memory.shrunk, period, now)
        if policy["type"] == "Pods":
            proposals.append(start + policy["value"])
        else:
            proposals.append(math.ceil(start * (1 + policy["value"] / 100)))
    return min(proposals) if rules.get("selectPolicy") == "Min" else max(proposals)


def _down_limit(rules: Object, memory: Memory, current: int, now: float) -> int:
    if rules.get("selectPolicy") == "Disabled":
        return current
    proposals = []
    for policy in rules["policies"]:
        period = policy["periodSeconds"]
        start = current + _changes(memory.shrunk, period, now) - _changes(memory.grown, period, now)
        if policy["type"] == "Pods":
            proposals.append(start - policy["value"])
        else:
            proposals.append(int(start * (1 - policy["value"] / 100)))
    return max(proposals) if rules.get("selectPolicy") == "Min" else min(proposals)


def forget(rules: Object, memory: Memory, now: float) -> None:
    """Changes older than every policy's period mean nothing any more."""
    periods = [
        p["periodSeconds"]
        for way in ("scaleUp", "scaleDown")
        for p in (rules.get(way) or {}).get("policies") or ()
    ]
    oldest = now - max(periods, default=0)
    memory.grown = [(at, n) for at, n in memory.grown if at > oldest]
    memory.shrunk = [(at, n) for at, n in memory.shrunk if at > oldest]
