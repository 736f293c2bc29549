"""NodeResourcesBalancedAllocation: prefers nodes whose resources get used evenly.

Models plugins/noderesources/balanced_allocation.go; the same float operations in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.framework import (  # fmt: skip
    MAX_SCORE,
    CycleState,
    Handle,
    Pending,
    Scope,
    ScorePlugin,
    Slots,
)
from cluster.scheduler.plugins.allocation import Allocation, Columns, weighted_resources

Floats = npt.NDArray[np.float64]


class NodeResourcesBalancedAllocation(ScorePlugin):
    name = "NodeResourcesBalancedAllocation"
    scope = Scope.LOCAL

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        resources = weighted_resources(args.get("resources"))
        self.allocation = Allocation(self.nodes, resources, requested_only=True)

    def scores(self, pod: Pending) -> bool:
        """Pods that ask for none of the resources would all go to the same node."""
        return any(pod.spec.requests.get(name) for name, _ in self.allocation.resources)

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        parts = self.allocation.columns(pod.spec, at)
        deviation = _pair(parts) if len(parts) == 2 else _many(parts)
        return ((1 - deviation) * MAX_SCORE).astype(np.int64)

    def score_at(self, pod: Pending, slot: int) -> int:
        fractions = [
            min(used / have, 1.0)
            for used, have, _ in self.allocation.single(pod.spec, slot)
            if have
        ]
        deviation = 0.0
        if len(fractions) == 2:
            deviation = abs((fractions[0] - fractions[1]) / 2)
        elif len(fractions) > 2:
            total = 0.0
            for fraction in fractions:
                total += fraction
            mean, squares = total / len(fractions), 0.0
            for fraction in fractions:
                squares += (fraction - mean) * (fraction - mean)
            deviation = sqrt(squares / len(fractions))
        return int((1 - deviation) * MAX_SCORE)


def _fraction(used: Ints, have: Ints) -> Floats:
    share: Floats = used / np.where(have > 0, have, 1)
    return np.minimum(share, 1.0)


def _pair(parts: Columns) -> Floats:
    (used, have, _), (other_used, other_have, _) = parts
    both = (have > 0) & (other_have > 0)
    difference: Floats = _fraction(used, have) - _fraction(other_used, other_have)
    return np.where(both, np.abs(difference / 2), 0.0)


def _many(parts: Columns) -> Floats:
    """The standard deviation over the resources the node has; with two of them, half their
    difference."""
    size = len(parts[0][0])
    total, count = np.zeros(size), np.zeros(size, dtype=np.int64)
    first, second = np.zeros(size), np.zeros(size)
    for used, have, _ in parts:
        fraction, counts = _fraction(used, have), have > 0
        first = np.where(counts & (count == 0), fraction, first)
        second = np.where(counts & (count == 1), fraction, second)
        total += np.where(counts, fraction, 0.0)
        count += counts
    mean, squares = total / np.maximum(count, 1), np.zeros(size)
    for used, have, _ in parts:
        distance = _fraction(used, have) - mean
        squares += np.where(have > 0, distance * distance, 0.0)
    spread = np.sqrt(squares / np.maximum(count, 1))
    return np.where(count == 2, np.abs((first - second) / 2), np.where(count > 2, spread, 0.0))
