"""Topology spread constraints, compiled. Models plugins/podtopologyspread/common.go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cluster.machinery.selectors import Selector, from_label_selector
from cluster.scheduler.cache.columns import Bools
from cluster.scheduler.cache.groups import in_namespace
from cluster.scheduler.cache.nodes import NodeTable
from cluster.scheduler.cache.spec import PodSpec
from cluster.scheduler.cache.tally import Tally
from cluster.scheduler.cache.terms import first_untolerated, with_label_keys
from cluster.scheduler.framework import Handle
from cluster.scheduler.plugins.matching import selected

HOSTNAME = "kubernetes.io/hostname"
# Models podtopologyspread.systemDefaultConstraints.
SYSTEM_DEFAULTS: tuple[dict[str, Any], ...] = (
    {"topologyKey": HOSTNAME, "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 3},
    {"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
     "maxSkew": 5},
)  # fmt: skip


EVERYBODY: Bools = np.ones(0, np.bool_)  # stands for a mask that lets all nodes through
NOBODY: Bools = np.zeros(0, np.bool_)


@dataclass(slots=True, eq=False)
class Constraint:
    key: str
    max_skew: int
    min_domains: int
    honor_affinity: bool
    honor_taints: bool
    selector: Selector
    tally: Tally  # of the pods it selects


@dataclass(slots=True, eq=False)
class Constraints:
    """All hard or all soft constraints of a PodSpec. `require_all`: only nodes that have every
    topology key take part."""

    spec: PodSpec
    items: list[Constraint]
    require_all: bool
    _topology: int = -1
    _having: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    _over: list[Bools | None] = field(default_factory=list)
    _labelled: list[Bools] = field(default_factory=list)
    _weighed: tuple[Bools, list[float]] | None = None

    def alive(self) -> bool:
        return all(c.tally.alive for c in self.items)

    def refresh(self, nodes: NodeTable) -> None:
        """Work out again who takes part, if nodes changed."""
        if self._topology == nodes.topology_version:
            return
        for constraint in self.items:  # a column asked for the first time is a change too
            nodes.label_column(constraint.key)
        self._topology = nodes.topology_version
        self._having = nodes.valid.copy()
        if self.require_all:
            for constraint in self.items:
                self._having &= nodes.label_column(constraint.key).ids > 0
        self._over = [self._included(nodes, c) for c in self.items]
        self._labelled = [_who(nodes, c.key) for c in self.items]
        self._weighed = None

    def having(self) -> Bools:
        """The nodes with all topology keys (all nodes, if not required)."""
        return self._having

    def over(self, index: int) -> Bools | None:
        """The nodes whose pods count for a constraint; None for all that have its key."""
        return self._over[index]

    def labelled(self, index: int) -> Bools:
        """The nodes that have a constraint's topology key."""
        return self._labelled[index]

    def weights(
        self, ranked: Bools, weigh: Callable[[Constraints, Bools], list[float]]
    ) -> list[float]:
        """By how many domains there are; worked out again when the candidates change."""
        if self._weighed is None or not np.array_equal(self._weighed[0], ranked):
            self._weighed = (ranked.copy(), weigh(self, ranked))
        return self._weighed[1]

    def _included(self, nodes: NodeTable, constraint: Constraint) -> Bools | None:
        """By nodeAffinityPolicy, nodeTaintsPolicy and topology keys."""
        out = self._having.copy()
        if constraint.honor_affinity and self.spec.node_selector is not None:
            out &= selected(nodes, self.spec.node_selector, slice(None))
        if constraint.honor_taints:
            out &= nodes.taints.where(
                lambda having: first_untolerated(having or (), self.spec.tolerations) is None,
                slice(None),
            )
        candidates = nodes.valid & (nodes.label_column(constraint.key).ids > 0)
        return None if out[candidates].all() else out


def _who(nodes: NodeTable, key: str) -> Bools:
    having: Bools = nodes.label_column(key).ids > 0
    if having[nodes.valid].all():
        return EVERYBODY
    return having if having.any() else NOBODY


def compile_constraints(
    handle: Handle, spec: PodSpec, raw: list[dict[str, Any]], selector: Selector | None
) -> list[Constraint]:
    """`selector` replaces the constraints' own (for default constraints)."""
    out = []
    for entry in raw:
        own = selector
        if own is None:
            own = from_label_selector(entry.get("labelSelector"))
            own = with_label_keys(own, entry, dict(spec.label_keys))
        out.append(
            Constraint(
                key=entry["topologyKey"],
                max_skew=int(entry["maxSkew"]),
                min_domains=int(entry.get("minDomains") or 1),
                honor_affinity=(entry.get("nodeAffinityPolicy") or "Honor") == "Honor",
                honor_taints=entry.get("nodeTaintsPolicy") == "Honor",
                selector=own,
                tally=handle.cache.groups.tally(in_namespace(spec.namespace, own)),
            )
        )
    return out
