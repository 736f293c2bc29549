"""Why a pod fits nowhere, in upstream's words. Models framework.FitError and Diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cluster.scheduler.cache.columns import Bools

NO_NODES = "no nodes available to schedule pods"
NOT_HELPFUL = "Preemption is not helpful for scheduling"


def histogram(total: int, reasons: Mapping[str, int]) -> str:
    """`0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.`"""
    listed = sorted(f"{count} {reason}" for reason, count in reasons.items() if count)
    text = f"0/{total} nodes are available:"
    return f"{text} {', '.join(listed)}." if listed else text


@dataclass(slots=True)
class Diagnosis:
    """`unresolvable` are nodes on which preemption would not help."""

    total: int
    reasons: dict[str, int] = field(default_factory=dict)
    plugins: set[str] = field(default_factory=set)
    unresolvable: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    pre_filter: str = ""
    post_filter: str = ""

    @property
    def message(self) -> str:
        if not self.total:
            return NO_NODES
        if self.pre_filter:
            text = f"0/{self.total} nodes are available: {self.pre_filter}."
        else:
            text = histogram(self.total, self.reasons)
        return f"{text} {self.post_filter}" if self.post_filter else text

    def count(self, reason: str, nodes: int, plugin: str) -> None:
        if nodes:
            self.reasons[reason] = self.reasons.get(reason, 0) + nodes
            self.plugins.add(plugin)
