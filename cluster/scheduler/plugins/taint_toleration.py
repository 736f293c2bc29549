"""TaintToleration: NoSchedule and NoExecute keep pods away, PreferNoSchedule makes less wanted.

Models plugins/tainttoleration. Upstream stopped naming the taint in the reason in late 2025; ours
still does, since that is what explains it.
"""

from __future__ import annotations

import numpy as np

from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.cache.terms import Taint, first_untolerated, taints, tolerated
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    CycleState,
    FilterPlugin,
    Happening,
    On,
    Pending,
    Rejection,
    ScorePlugin,
    Slots,
    default_normalize,
)


class TaintToleration(FilterPlugin, ScorePlugin):
    name = "TaintToleration"
    normalizes = True

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        column = self.nodes.taints
        ids = column.ids[at]
        by_reason: dict[str, list[int]] = {}
        for number, having in enumerate(column.values):
            taint = first_untolerated(having or (), pod.spec.tolerations)
            if taint is not None:
                reason = f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"
                by_reason.setdefault(reason, []).append(number)
        out = (Rejection(r, np.isin(ids, numbers), True) for r, numbers in by_reason.items())
        return [rejection for rejection in out if rejection.nodes.any()]

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        """How many PreferNoSchedule taints are not tolerated."""
        relevant = tuple(t for t in pod.spec.tolerations if t.effect in ("", "PreferNoSchedule"))
        column = self.nodes.taints
        counts = [
            sum(t.effect == "PreferNoSchedule" and not tolerated(t, relevant) for t in having or ())
            for having in column.values
        ]
        return np.array(counts, dtype=np.int64)[column.ids[at]]

    def normalize(self, state: CycleState, raw: Ints, feasible: Bools) -> Ints:
        return default_normalize(raw, feasible, reverse=True)

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.NODE, Action.ADD | Action.UPDATE_TAINT, _now_tolerated),
            ClusterEvent(On.THIS_POD, Action.UPDATE_TOLERATIONS),
        ]


def _now_tolerated(pod: Pending, happening: Happening) -> bool:
    def untolerated(node: object) -> Taint | None:
        spec = (node if isinstance(node, dict) else {}).get("spec") or {}
        return first_untolerated(taints(spec.get("taints")), pod.spec.tolerations)

    if untolerated(happening.new) is not None:
        return False
    return happening.old is None or untolerated(happening.old) is not None
