"""NodeAffinity: nodeSelector and node affinity of the pod, and addedAffinity of the profile.

Models plugins/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cluster.machinery.meta import labels_of, name_of
from cluster.scheduler.cache import terms
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    Code,
    CycleState,
    FilterPlugin,
    Handle,
    Happening,
    On,
    Pending,
    Rejection,
    ScorePlugin,
    Slots,
    Status,
    default_normalize,
)
from cluster.scheduler.plugins.matching import selected, term_matches

REASON_POD = "node(s) didn't match Pod's node affinity/selector"
REASON_ENFORCED = "node(s) didn't match scheduler-enforced node affinity"
REASON_CONFLICT = "pod affinity terms conflict"


class NodeAffinity(FilterPlugin, ScorePlugin):
    name = "NodeAffinity"
    normalizes = True

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        added = args.get("addedAffinity") or {}
        required = terms.node_terms(added.get("requiredDuringSchedulingIgnoredDuringExecution"))
        self.enforced = None if required is None else terms.NodeSelector((), required)
        self.added = terms.preferred_node_terms(
            added.get("preferredDuringSchedulingIgnoredDuringExecution")
        )

    # ---- filter

    def filters(self, pod: Pending) -> bool:
        return pod.spec.node_selector is not None or self.enforced is not None

    def pre_filter(self, state: CycleState, pod: Pending) -> Status | None:
        if pod.pinned:
            self._narrow(state, frozenset({pod.pinned}))
            return None
        names = pod.spec.node_selector.names() if pod.spec.node_selector else None
        if names is not None:
            if not names:
                return Status(Code.UNRESOLVABLE, (REASON_CONFLICT,), self.name)
            self._narrow(state, names)
        return None

    def _narrow(self, state: CycleState, names: frozenset[str]) -> None:
        state.only = names if state.only is None else state.only & names
        state.only_by += (self.name,)

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        out = []
        if self.enforced is not None:
            wrong = ~selected(self.nodes, self.enforced, at)
            out.append(Rejection(REASON_ENFORCED, wrong, True))
        if pod.spec.node_selector is not None:
            unmatched = ~selected(self.nodes, pod.spec.node_selector, at)
            if out:  # the first reason is the only one given
                unmatched &= ~out[0].nodes
            out.append(Rejection(REASON_POD, unmatched, True))
        return out

    # ---- score

    def scores(self, pod: Pending) -> bool:
        return bool(pod.spec.preferred_nodes or self.added)

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        total = np.zeros(len(self.nodes.valid[at]), dtype=np.int64)
        for weight, term in (*self.added, *pod.spec.preferred_nodes):
            total += weight * term_matches(self.nodes, term, at)
        return total

    def normalize(self, state: CycleState, raw: Ints, feasible: Bools) -> Ints:
        return default_normalize(raw, feasible)

    # ---- requeueing

    def events(self) -> list[ClusterEvent]:
        return [ClusterEvent(On.NODE, Action.ADD | Action.UPDATE_NODE_LABEL, self._now_matches)]

    def _now_matches(self, pod: Pending, happening: Happening) -> bool:
        def matches(node: object) -> bool:
            if not isinstance(node, dict):
                return False
            labels, name = labels_of(node), name_of(node)
            wanted = [s for s in (self.enforced, pod.spec.node_selector) if s is not None]
            if pod.pinned and pod.pinned != name:
                return False
            return all(s.matches(labels, name) for s in wanted)

        return matches(happening.new) and not matches(happening.old)
