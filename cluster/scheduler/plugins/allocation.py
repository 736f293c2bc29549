"""What of each resource would be in use on a node if the pod went there.

Models plugins/noderesources/resource_allocation.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cluster.machinery.meta import Object
from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.cache.nodes import NodeTable
from cluster.scheduler.cache.resources import CPU, MEMORY, is_scalar
from cluster.scheduler.cache.spec import PodSpec
from cluster.scheduler.framework import Slots

DEFAULT = ((CPU, 1), (MEMORY, 1))
# (used with the pod, allocatable, weight) of every resource that counts
Columns = list[tuple[Ints, Ints, int]]
Single = list[tuple[int, int, int]]


def weighted_resources(raw: Iterable[Object] | None) -> tuple[tuple[str, int], ...]:
    """Names and weights; ValueError for a weight outside 1..100."""
    out = tuple((r["name"], int(r.get("weight") or 1)) for r in raw or ())
    for name, weight in out:
        if not 1 <= weight <= 100:
            raise ValueError(f"resource weight of {name} should be in range [1, 100], got {weight}")
    return out or DEFAULT


@dataclass(slots=True)
class Allocation:
    """`requested_only`: what was really asked for, without assuming anything for containers that
    ask for nothing."""

    nodes: NodeTable
    resources: tuple[tuple[str, int], ...]
    requested_only: bool

    def _wanted(self, spec: PodSpec, resource: str) -> int | None:
        """None: the resource does not count for this pod."""
        table = spec.requests if self.requested_only else spec.scored_requests
        amount = table.get(resource, 0)
        # An extended resource counts only for pods that want it.
        return None if not amount and is_scalar(resource) else amount

    def _used(self, resource: str) -> Ints | None:
        if not self.requested_only:
            if resource == CPU:
                return self.nodes.scored_cpu
            if resource == MEMORY:
                return self.nodes.scored_memory
        return self.nodes.requested.get(resource)

    def columns(self, spec: PodSpec, at: Slots) -> Columns:
        out: Columns = []
        for resource, weight in self.resources:
            wanted, used = self._wanted(spec, resource), self._used(resource)
            if wanted is not None and used is not None:
                out.append((used[at] + wanted, self.nodes.allocatable[resource][at], weight))
        if not out:
            nothing = np.zeros(len(self.nodes.valid[at]), dtype=np.int64)
            out.append((nothing, nothing, 1))
        return out

    def single(self, spec: PodSpec, slot: int) -> Single:
        out: Single = []
        for resource, weight in self.resources:
            wanted, used = self._wanted(spec, resource), self._used(resource)
            if wanted is not None and used is not None:
                have = self.nodes.allocatable[resource].item(slot)
                out.append((used.item(slot) + wanted, have, weight))
        return out
