"""PodTopologySpread: pods that belong together are spread over zones, hosts and the like.

A pod without constraints gets the cluster's defaults, over the pods of its services and owner.
Models plugins/podtopologyspread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cluster.machinery.meta import labels_of
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.framework import (
    MAX_SCORE,
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
    Status,
    always,
)
from cluster.scheduler.plugins.default_selector import DefaultSelectors
from cluster.scheduler.plugins.spread_constraints import (
    EVERYBODY,
    HOSTNAME,
    NOBODY,
    SYSTEM_DEFAULTS,
    Constraint,
    Constraints,
    compile_constraints,
)

REASON = "node(s) didn't match pod topology spread constraints"
REASON_LABEL = f"{REASON} (missing required label)"
Floats = npt.NDArray[np.float64]


class PodTopologySpread(FilterPlugin, ScorePlugin):
    name = "PodTopologySpread"
    scope = Scope.CLUSTER
    normalizes = True

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        self.system = (args.get("defaultingType") or "System") == "System"
        given = tuple(args.get("defaultConstraints") or ())
        if self.system and given:
            raise ValueError(
                "defaultConstraints: Invalid value: when .defaultingType is System, "
                "must not contain constraints"
            )
        self.defaults = SYSTEM_DEFAULTS if self.system else given
        self.selectors = DefaultSelectors(handle)
        self._compiled: dict[object, Constraints] = {}

    def _constraints(self, pod: Pending, action: str) -> Constraints | None:
        """Those with whenUnsatisfiable `action`; None when there are none."""
        if action not in pod.memo:
            pod.memo[action] = self._find(pod, action)
        found: Constraints | None = pod.memo[action]
        return found

    def _find(self, pod: Pending, action: str) -> Constraints | None:
        own = bool(pod.spec.spread)
        raw = [
            c
            for c in (pod.spec.spread if own else self.defaults)
            if (c.get("whenUnsatisfiable") or "DoNotSchedule") == action
        ]
        if not raw:
            return None
        selector = None if own else self.selectors.of(pod)
        if selector is not None and selector.empty:
            return None
        key = (pod.spec.id, action, selector)
        found = self._compiled.get(key)
        if found is None or not found.alive():
            if len(self._compiled) > 4096:
                self._compiled.clear()
            items = compile_constraints(self.handle, pod.spec, raw, selector)
            found = self._compiled[key] = Constraints(pod.spec, items, own or not self.system)
        for constraint in found.items:
            self.cache.groups.use(constraint.tally)
        found.refresh(self.nodes)
        return found

    def _sums(self, constraints: Constraints, index: int) -> Ints:
        """How many pods the constraint counts, by number of the topology's value."""
        constraint, over = constraints.items[index], constraints.over(index)
        token = None if over is None else (constraints.spec.id, index, constraints.require_all)
        return constraint.tally.by_domain(self.nodes, constraint.key, over, token)

    # ---- filter

    def filters(self, pod: Pending) -> bool:
        return self._constraints(pod, "DoNotSchedule") is not None

    def pre_filter(self, state: CycleState, pod: Pending) -> Status | None:
        return None

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        hard = self._constraints(pod, "DoNotSchedule")
        assert hard is not None
        out: list[Rejection] = []
        decided = np.zeros(len(self.nodes.valid[at]), dtype=np.bool_)
        for index, constraint in enumerate(hard.items):
            ids = self.nodes.label_column(constraint.key).ids[at]
            missing = (ids == 0) & ~decided
            out.append(Rejection(REASON_LABEL, missing, True))
            matching = int(constraint.selector.matches(pod.labels))
            sums = self._sums(hard, index)
            skew = sums[ids] + matching - self._least(hard, index, sums)
            crowded = (skew > constraint.max_skew) & ~decided & ~missing
            out.append(Rejection(REASON, crowded, False))
            decided |= missing | crowded
        return out

    def _least(self, hard: Constraints, index: int, sums: Ints) -> int:
        """The count of the emptiest domain; 0 when there are fewer domains than minDomains."""
        constraint = hard.items[index]
        included = hard.over(index)
        if included is None:
            included = hard.having()
        present = np.zeros(len(sums), dtype=np.bool_)
        present[self.nodes.label_column(constraint.key).ids[included]] = True
        present[0] = False
        domains = sums[present]
        return 0 if len(domains) < constraint.min_domains else int(domains.min())

    # ---- score

    def scores(self, pod: Pending) -> bool:
        return self._constraints(pod, "ScheduleAnyway") is not None

    def pre_score(self, state: CycleState, pod: Pending, feasible: Bools) -> None:
        soft = self._constraints(pod, "ScheduleAnyway")
        assert soft is not None
        ranked = feasible & soft.having() if soft.require_all else feasible
        weights = soft.weights(ranked, self._weights)
        state.data[self.name] = (soft, ranked, weights)

    def _weights(self, soft: Constraints, ranked: Bools) -> list[float]:
        return [math.log(self._domains(c, ranked) + 2) for c in soft.items]

    def _domains(self, constraint: Constraint, ranked: Bools) -> int:
        """How many values of the topology the candidates have; without a label counts as one."""
        if constraint.key == HOSTNAME:
            return int(np.count_nonzero(ranked))
        column = self.nodes.label_column(constraint.key)
        present = np.zeros(len(column.values), dtype=np.bool_)
        present[column.ids[ranked]] = True
        return int(np.count_nonzero(present))

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        soft, _, weights = state.data[self.name]
        total: Floats = np.zeros(len(self.nodes.valid[at]), dtype=np.float64)
        for index, constraint in enumerate(soft.items):
            labelled = soft.labelled(index)
            if labelled is NOBODY:
                continue
            if constraint.key == HOSTNAME:
                counts = constraint.tally.at(self.nodes)[at]
            else:
                ids = self.nodes.label_column(constraint.key).ids[at]
                counts = self._sums(soft, index)[ids]
            part = counts * weights[index] + (constraint.max_skew - 1)
            total += part if labelled is EVERYBODY else np.where(labelled[at], part, 0.0)
        whole = np.trunc(total)
        whole += total - whole >= 0.5  # math.Round: halves away from zero
        return whole.astype(np.int64)

    def normalize(self, state: CycleState, raw: Ints, feasible: Bools) -> Ints:
        """Fewer matching pods score higher; nodes without the topology score 0."""
        _, ranked, _ = state.data[self.name]
        considered = raw[ranked]
        most = int(considered.max()) if len(considered) else 0
        if most == 0:
            return np.where(ranked, MAX_SCORE, 0).astype(np.int64)
        least = int(considered.min())
        return np.where(ranked, MAX_SCORE * (most + least - raw) // most, 0)

    # ---- requeueing

    def events(self) -> list[ClusterEvent]:
        pods = Action.ADD | Action.DELETE | Action.UPDATE_POD_LABEL
        nodes = Action.ADD | Action.DELETE | Action.UPDATE_NODE_LABEL | Action.UPDATE_TAINT
        return [
            ClusterEvent(On.ASSIGNED_POD, pods, self._counted),
            ClusterEvent(On.NODE, nodes, always),
            ClusterEvent(On.THIS_POD, Action.UPDATE_POD_LABEL, always),
        ]

    def _counted(self, pod: Pending, happening: Happening) -> bool:
        """Whether the other pod is, or was, counted by one of the constraints."""
        hard = self._constraints(pod, "DoNotSchedule")
        for other in (happening.old, happening.new):
            if other is None or other["metadata"].get("namespace") != pod.namespace:
                continue
            if hard and any(c.selector.matches(labels_of(other)) for c in hard.items):
                return True
        return False
