"""NodeResourcesFit: enough of everything, and a score by how full the node gets.

Three strategies: LeastAllocated (default), MostAllocated, RequestedToCapacityRatio. Models
plugins/noderesources/fit.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.cache.resources import amounts, is_scalar
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    CycleState,
    FilterPlugin,
    Handle,
    Happening,
    On,
    Pending,
    Rejection,
    Scope,
    ScorePlugin,
    Slots,
)
from cluster.scheduler.plugins.allocation import Allocation, weighted_resources
from cluster.scheduler.plugins.strategies import strategy


class NodeResourcesFit(FilterPlugin, ScorePlugin):
    name = "NodeResourcesFit"
    scope = Scope.LOCAL

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        self.ignored = frozenset(args.get("ignoredResources") or ())
        self.ignored_groups = tuple(f"{g}/" for g in args.get("ignoredResourceGroups") or ())
        chosen = args.get("scoringStrategy") or {}
        self.weights = weighted_resources(chosen.get("resources"))
        self.strategy = strategy(chosen)
        self.allocation = Allocation(self.nodes, self.weights, requested_only=False)

    @property
    def ignores_any(self) -> bool:
        """Whether some resources are not looked at."""
        return bool(self.ignored or self.ignored_groups)

    def _ignores(self, resource: str) -> bool:
        if not is_scalar(resource):
            return False
        return resource in self.ignored or resource.startswith(self.ignored_groups)

    # ---- filter

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        nodes = self.nodes
        out = [Rejection("Too many pods", nodes.pods[at] + 1 > nodes.max_pods[at], False)]
        for resource, amount in pod.spec.requests.items():
            if not amount or self._ignores(resource):
                continue
            have, used = self._columns(resource, at)
            short, never = amount > have - used, amount > have
            reason = f"Insufficient {resource}"
            out.append(Rejection(reason, short & ~never, False))
            out.append(Rejection(reason, short & never, True))
        return out

    def _columns(self, resource: str, at: Slots) -> tuple[Ints, Ints]:
        have = self.nodes.allocatable.get(resource)
        if have is None:
            nothing = np.zeros(len(self.nodes.valid[at]), dtype=np.int64)
            return nothing, nothing
        return have[at], self.nodes.requested[resource][at]

    def fits_at(self, pod: Pending, slot: int) -> bool:
        nodes = self.nodes
        if nodes.pods.item(slot) + 1 > nodes.max_pods.item(slot):
            return False
        for resource, amount in pod.spec.requests.items():
            if not amount or self._ignores(resource):
                continue
            have = nodes.allocatable.get(resource)
            if have is None or amount > have.item(slot) - nodes.requested[resource].item(slot):
                return False
        return True

    # ---- score

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        return self.strategy.columns(self.allocation.columns(pod.spec, at))

    def score_at(self, pod: Pending, slot: int) -> int:
        return self.strategy.single(self.allocation.single(pod.spec, slot))

    # ---- requeueing

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.ASSIGNED_POD, Action.DELETE | Action.SCALE_DOWN, self._made_room),
            ClusterEvent(On.THIS_POD, Action.SCALE_DOWN),
            ClusterEvent(On.NODE, Action.ADD | Action.UPDATE_ALLOCATABLE, self._now_fits),
        ]

    def _made_room(self, pod: Pending, happening: Happening) -> bool:
        """There is enough now on the node of the pod that went or shrank. Upstream does not look,
        and tries all unschedulable pods again."""
        other = happening.old or happening.new
        slot = self.nodes.slots.get(other["spec"].get("nodeName", "")) if other else None
        if slot is None:
            return False
        self.nodes.trim()
        return bool(self.nodes.valid[slot]) and self.fits_at(pod, slot)

    def _now_fits(self, pod: Pending, happening: Happening) -> bool:
        """An empty node of that size would do, and it has more than before of what is wanted."""
        have = amounts(((happening.new or {}).get("status") or {}).get("allocatable"))
        wanted = {r: a for r, a in pod.spec.requests.items() if a and not self._ignores(r)}
        wanted["pods"] = 1
        if any(amount > have.get(resource, 0) for resource, amount in wanted.items()):
            return False
        if happening.old is None:
            return True
        had = amounts((happening.old.get("status") or {}).get("allocatable"))
        return any(have.get(resource, 0) > had.get(resource, 0) for resource in wanted)
