"""The scoring strategies of NodeResourcesFit, for columns and for a single node.

Models plugins/noderesources/{least_allocated,most_allocated,requested_to_capacity_ratio}.go.
Integer arithmetic as upstream's: scores must agree to the unit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.framework import MAX_SCORE
from cluster.scheduler.plugins.allocation import Columns, Single


class Strategy(ABC):
    """`of` scores one resource of one node, 0..100; resources without capacity do not count."""

    @abstractmethod
    def of(self, used: int, have: int) -> int: ...

    @abstractmethod
    def of_columns(self, used: Ints, have: Ints) -> Ints:
        """`of` for columns; `have` is above zero."""

    def single(self, parts: Single) -> int:
        total = weights = 0
        for used, have, weight in parts:
            if have:
                total += weight * self.of(used, have)
                weights += weight
        return total // weights if weights else 0

    def columns(self, parts: Columns) -> Ints:
        total: Ints = np.zeros(len(parts[0][0]), dtype=np.int64)
        weights: Ints = np.zeros(len(total), dtype=np.int64)
        for used, have, weight in parts:
            counts = have > 0
            total += weight * counts * self.of_columns(used, np.where(counts, have, 1))
            weights += weight * counts
        return total // np.maximum(weights, 1)


class LeastAllocated(Strategy):
    def of(self, used: int, have: int) -> int:
        return 0 if used > have else (have - used) * MAX_SCORE // have

    def of_columns(self, used: Ints, have: Ints) -> Ints:
        return np.maximum(have - used, 0) * MAX_SCORE // have


class MostAllocated(Strategy):
    def of(self, used: int, have: int) -> int:
        return min(used, have) * MAX_SCORE // have

    def of_columns(self, used: Ints, have: Ints) -> Ints:
        return np.minimum(used, have) * MAX_SCORE // have


class RequestedToCapacityRatio(Strategy):
    """A broken line through points (utilization 0..100, score 0..10). Resources that score 0 do
    not count, and the mean is rounded."""

    def __init__(self, shape: list[Mapping[str, Any]]) -> None:
        points = [(int(p["utilization"]), int(p["score"])) for p in shape]
        _check_shape(points)
        # Utilization is a whole percentage, so the line is a table of 101 scores.
        scaled = [(u, s * (MAX_SCORE // 10)) for u, s in points]
        line = [_on_line(scaled, u) for u in range(101)]
        self._line: Ints = np.array(line, dtype=np.int64)

    def of(self, used: int, have: int) -> int:
        return int(self._line[100 if used > have else used * 100 // have])

    def of_columns(self, used: Ints, have: Ints) -> Ints:
        return self._line[np.where(used > have, 100, np.minimum(used, have) * 100 // have)]

    def single(self, parts: Single) -> int:
        total = weights = 0
        for used, have, weight in parts:
            score = self.of(used, have) if have else 0
            total += weight * score
            weights += weight * (score > 0)
        return (2 * total + weights) // (2 * weights) if weights else 0

    def columns(self, parts: Columns) -> Ints:
        total: Ints = np.zeros(len(parts[0][0]), dtype=np.int64)
        weights: Ints = np.zeros(len(total), dtype=np.int64)
        for used, have, weight in parts:
            counts = have > 0
            score = counts * self.of_columns(used, np.where(counts, have, 1))
            total += weight * score
            weights += weight * (score > 0)
        return (2 * total + weights) // np.maximum(2 * weights, 1)


def _check_shape(points: list[tuple[int, int]]) -> None:
    if not points:
        raise ValueError("at least one point must be specified")
    for index, (utilization, score) in enumerate(points):
        if not 0 <= utilization <= 100:
            raise ValueError("utilization values must be in range [0, 100]")
        if not 0 <= score <= 10:
            raise ValueError("score values must be in range [0, 10]")
        if index and utilization <= points[index - 1][0]:
            raise ValueError("utilization values must be sorted in increasing order")


def _on_line(points: list[tuple[int, int]], at: int) -> int:
    """Models helper.BuildBrokenLinearFunction; Go's division truncates toward zero."""
    for index, (utilization, score) in enumerate(points):
        if at <= utilization:
            if index == 0:
                return score
            before, low = points[index - 1]
            rise = (score - low) * (at - before)
            return low + int(abs(rise) // (utilization - before)) * (1 if rise >= 0 else -1)
    return points[-1][1]


def strategy(chosen: Mapping[str, Any]) -> Strategy:
    """From a ScoringStrategy; ValueError when it is not valid."""
    kind = chosen.get("type") or "LeastAllocated"
    if kind == "LeastAllocated":
        return LeastAllocated()
    if kind == "MostAllocated":
        return MostAllocated()
    if kind == "RequestedToCapacityRatio":
        ratio = chosen.get("requestedToCapacityRatio") or {}
        return RequestedToCapacityRatio(list(ratio.get("shape") or ()))
    raise ValueError(f'scoringStrategy.type: Unsupported value: "{kind}"')
