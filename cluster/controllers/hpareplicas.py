"""How many pods a metric asks for. Models pkg/controller/podautoscaler/replica_calculator.go.

Pure functions over pods and what was measured of them; amounts are in thousandths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from cluster.controllers import podutil
from cluster.machinery import quantity, usage
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, condition, is_deleting, name_of

CPU_INITIALIZATION = 300.0  # --horizontal-pod-autoscaler-cpu-initialization-period
READINESS_DELAY = 30.0  # --horizontal-pod-autoscaler-initial-readiness-delay
UNREADY = "did not receive metrics for targeted pods (pods might be unready)"
NO_PODS = "no pods returned by selector while calculating replica count"
Metrics = dict[str, int]  # by the name of the pod


class MetricError(Exception):
    """A metric that cannot be had."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    up: float = 0.1  # --horizontal-pod-autoscaler-tolerance
    down: float = 0.1

    def holds(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(slots=True)
class Groups:
    ready: int
    unready: list[Object]
    missing: list[Object]


def tolerance_of(rules: Object) -> Tolerance:
    def side(way: str) -> float:
        given = (rules.get(way) or {}).get("tolerance")
        return 0.1 if given is None else quantity.milli(given) / 1000

    return Tolerance(side("scaleUp"), side("scaleDown"))


def group(pods: list[Object], metrics: Metrics, cpu: bool, now: float) -> Groups:
    """Models groupPods; takes what does not count out of `metrics`."""
    ready, unready, missing = 0, [], []
    for pod in pods:
        name, phase = name_of(pod), podutil.phase_of(pod)
        if is_deleting(pod) or phase in ("Failed", "Succeeded"):
            metrics.pop(name, None)
        elif phase == "Pending" or (name in metrics and cpu and _is_starting(pod, now)):
            unready.append(pod)
            metrics.pop(name, None)
        elif name not in metrics:
            missing.append(pod)
        else:
            ready += 1
    return Groups(ready, unready, missing)


def _is_starting(pod: Object, now: float) -> bool:
    """What a pod uses while it starts says nothing about its work."""
    found = condition(pod["status"].get("conditions"), "Ready")
    started = pod["status"].get("startTime")
    if found is None or not started:
        return True
    began, changed = parse_time(started), parse_time(found.get("lastTransitionTime") or started)
    if began + CPU_INITIALIZATION > now:
        return bool(found["status"] == "False" or usage.moment(now) < changed + usage.WINDOW)
    return bool(found["status"] == "False" and began + READINESS_DELAY > changed)


def by_utilization(
    pods: list[Object],
    metrics: Metrics,
    requests: Metrics,
    target: int,
    current: int,
    tolerance: Tolerance,
    cpu: bool,
    now: float,
) -> tuple[int, int, int]:
    """(replicas, utilization in percent, usage a pod). Models GetResourceReplicas."""  # fmt: skip
    groups = _grouped(pods, metrics, cpu, now)
    ratio, percent, average = _utilization(metrics, requests, target)

    def fill(missing: list[Object], low: bool) -> None:
        for pod in missing:
            share = max(100, target) if low else 0
            metrics[name_of(pod)] = requests.get(name_of(pod), 0) * share // 100

    def again() -> float:
        return _utilization(metrics, requests, target)[0]

    return _decide(ratio, groups, metrics, current, tolerance, fill, again), percent, average


def by_value(
    pods: list[Object],
    metrics: Metrics,
    target: int,
    current: int,
    tolerance: Tolerance,
    cpu: bool,
    now: float,
) -> tuple[int, int]:
    """(replicas, usage a pod). Models calcPlainMetricReplicas."""  # fmt: skip
    groups = _grouped(pods, metrics, cpu, now)
    average = sum(metrics.values()) // len(metrics)

    def fill(missing: list[Object], low: bool) -> None:
        for pod in missing:
            metrics[name_of(pod)] = target if low else 0

    def again() -> float:
        return sum(metrics.values()) // len(metrics) / target

    return _decide(average / target, groups, metrics, current, tolerance, fill, again), average


def _grouped(pods: list[Object], metrics: Metrics, cpu: bool, now: float) -> Groups:
    if not pods:
        raise MetricError(NO_PODS)
    groups = group(pods, metrics, cpu, now)
    if not metrics:
        raise MetricError(UNREADY)
    return groups


def _utilization(metrics: Metrics, requests: Metrics, target: int) -> tuple[float, int, int]:
    """Models GetResourceUtilizationRatio."""
    counted = {name: used for name, used in metrics.items() if name in requests}
    total = sum(requests[name] for name in counted)
    if not total:
        raise MetricError("no metrics returned matched known pods")
    percent = sum(counted.values()) * 100 // total
    return percent / target, percent, sum(counted.values()) // len(counted)


def _decide(
    ratio: float,
    groups: Groups,
    metrics: Metrics,
    current: int,
    tolerance: Tolerance,
    fill: Callable[[list[Object], bool], None],
    again: Callable[[], float],
) -> int:
    """Pods nobody measured count as busy on the way down, and as idle on the way up."""
    growing = bool(groups.unready) and ratio > 1.0
    if not growing and not groups.missing:
        return current if tolerance.holds(ratio) else math.ceil(ratio * groups.ready)
    if groups.missing and ratio != 1.0:
        fill(groups.missing, ratio < 1.0)
    if growing:
        for pod in groups.unready:
            metrics[name_of(pod)] = 0
    new = again()
    if tolerance.holds(new) or (ratio < 1.0 < new) or (ratio > 1.0 > new):
        return current
    count = math.ceil(new * len(metrics))
    if (new < 1.0 and count > current) or (new > 1.0 and count < current):
        return current
    return count


def by_total(value: int, target: int, ready: int, current: int, tolerance: Tolerance) -> int:
    """A number that belongs to no pod, as a whole. Models getUsageRatioReplicaCount."""
    ratio = value / target
    if current == 0:
        return math.ceil(ratio)
    return current if tolerance.holds(ratio) else math.ceil(ratio * ready)


def by_share(value: int, target: int, current: int, tolerance: Tolerance) -> tuple[int, int]:
    """(replicas, share of each) of such a number divided among the pods."""
    ratio = value / (target * current) if current else float("inf")
    replicas = current if tolerance.holds(ratio) else math.ceil(value / target)
    return replicas, math.ceil(value / current) if current else value
