"""What a PodSpec's plugins say about every node, kept until something about a node changes.

A pod that was just bound changes one column: its node's. So scheduling the next pod of the same
template looks at one node again, not at all of them. Only plugins of scope NODE and LOCAL are kept
here; what depends on all pods is asked anew for every pod.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cluster.scheduler.cache import NodeTable
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.framework import (
    CycleState,
    FilterPlugin,
    Pending,
    ScorePlugin,
    Slots,
)
from cluster.scheduler.promised import PromisedColumn

INFEASIBLE = -1
FEW = 6  # up to so many changed nodes are looked at one by one: cheaper than columns
ALL = slice(None)


@dataclass(slots=True, eq=False)
class Scorer:
    plugin: ScorePlugin
    weight: int


@dataclass(slots=True)
class Asked:
    """The plugins of a profile that have something to say about a PodSpec."""

    node_filters: list[FilterPlugin]
    local_filters: list[FilterPlugin]
    node_scorers: list[Scorer]  # as they are
    local_scorers: list[Scorer]
    normalized: list[Scorer]  # of scope NODE, scaled over the feasible nodes


class Row:
    __slots__ = ("_asked", "_feasible_changed", "_local", "_node_position",
                 "_nodes", "_pod", "_pod_position", "_versions", "diagnosis", "fits", "fixed",
                 "node_fits", "promised", "raws", "scaled", "total")  # fmt: skip

    def __init__(self, nodes: NodeTable, asked: Asked, pod: Pending) -> None:
        """`pod` stands for all pods with its PodSpec."""
        self._nodes = nodes
        self._asked = asked
        self._pod = pod
        self._node_position = self._pod_position = -1
        self._versions: list[object] = []
        self._feasible_changed = True
        self.node_fits: Bools = np.zeros(0, np.bool_)
        self.fits: Bools = np.zeros(0, np.bool_)
        self._local: Ints = np.zeros(0, np.int64)
        self.fixed: Ints = np.zeros(0, np.int64)  # weighted scores that need no scaling
        self.raws: list[Ints] = []  # of asked.normalized
        self.scaled: Ints = np.zeros(0, np.int64)  # their weighted sum, scaled over `fits`
        self.total: Ints = np.zeros(0, np.int64)  # INFEASIBLE where it does not fit
        self.diagnosis: tuple[object, object] | None = None
        self.promised = PromisedColumn()

    def refresh(self) -> None:
        """Catch up with the node table."""
        nodes = self._nodes
        changed_nodes = nodes.node_log.since(self._node_position)
        changed_pods = nodes.pod_log.since(self._pod_position)
        if changed_nodes is None or changed_pods is None or len(self.fits) != nodes.size:
            self._rebuild()
        elif changed_nodes or changed_pods:
            self._catch_up(changed_nodes, changed_pods)
        self._node_position = nodes.node_log.position
        self._pod_position = nodes.pod_log.position
        versions = [s.plugin.version(self._pod) for s in self._asked.node_scorers]
        if versions != self._versions:
            self._versions = versions
            self._score_nodes(ALL)
            self._sum(ALL)
        if self._feasible_changed:
            self._scale()

    @property
    def key(self) -> tuple[int, int]:
        """Changes whenever the row may have."""
        return self._node_position, self._pod_position

    def _catch_up(self, changed_nodes: list[int], changed_pods: list[int]) -> None:
        if changed_nodes:
            at = np.unique(np.array(changed_nodes))
            self._filter_nodes(at)
            self._score_nodes(at)
            self._feasible_changed = True
        slots = set(changed_nodes)
        slots.update(changed_pods)
        if len(slots) <= FEW:
            self._update_few(slots)
        else:
            self._update(np.array(sorted(slots)))

    def _rebuild(self) -> None:
        size = self._nodes.size
        self.node_fits = np.zeros(size, np.bool_)
        self.fits = np.zeros(size, np.bool_)
        self._local = np.zeros(size, np.int64)
        self.fixed = np.zeros(size, np.int64)
        self.raws = [np.zeros(size, np.int64) for _ in self._asked.normalized]
        self.scaled = np.zeros(size, np.int64)
        self.total = np.full(size, INFEASIBLE, np.int64)
        self._filter_nodes(ALL)
        self._score_nodes(ALL)
        self._update(ALL)
        self._feasible_changed = True

    # ---- from the Node objects

    def _filter_nodes(self, at: Slots) -> None:
        fits = self._nodes.valid[at].copy()
        for plugin in self._asked.node_filters:
            for rejection in plugin.filter(CycleState(), self._pod, at):
                fits &= ~rejection.nodes
        self.node_fits[at] = fits

    def _score_nodes(self, at: Slots) -> None:
        """`_local` is filled in by `_update`; here only what comes from Node objects."""
        for scorer, raw in zip(self._asked.normalized, self.raws, strict=True):
            raw[at] = scorer.plugin.score(CycleState(), self._pod, at)
        fixed = np.zeros(len(self.node_fits[at]), np.int64)
        for scorer in self._asked.node_scorers:
            fixed += scorer.weight * scorer.plugin.score(CycleState(), self._pod, at)
        self.fixed[at] = fixed + self._local[at]

    # ---- from the pods on them

    def _update(self, at: Slots) -> None:
        fits = self.node_fits[at].copy()
        for plugin in self._asked.local_filters:
            for rejection in plugin.filter(CycleState(), self._pod, at):
                fits &= ~rejection.nodes
        if not np.array_equal(fits, self.fits[at]):
            self.fits[at] = fits
            self._feasible_changed = True
        local = np.zeros(len(fits), np.int64)
        for scorer in self._asked.local_scorers:
            local += scorer.weight * scorer.plugin.score(CycleState(), self._pod, at)
        self.fixed[at] += local - self._local[at]
        self._local[at] = local
        self._sum(at)

    def _update_few(self, slots: Iterable[int]) -> None:
        pod, asked = self._pod, self._asked
        for slot in slots:
            fits = self.node_fits.item(slot)
            if fits:
                for plugin in asked.local_filters:
                    if not plugin.fits_at(pod, slot):
                        fits = False
                        break
            if fits != self.fits.item(slot):
                self.fits[slot] = fits
                self._feasible_changed = True
            local = 0
            for scorer in asked.local_scorers:
                local += scorer.weight * scorer.plugin.score_at(pod, slot)
            fixed = self.fixed.item(slot) + local - self._local.item(slot)
            self._local[slot] = local
            self.fixed[slot] = fixed
            self.total[slot] = fixed + self.scaled.item(slot) if fits else INFEASIBLE

    def _sum(self, at: Slots) -> None:
        self.total[at] = np.where(self.fits[at], self.fixed[at] + self.scaled[at], INFEASIBLE)

    def _scale(self) -> None:
        """The normalised scores, once more: which nodes are feasible has changed."""
        self._feasible_changed = False
        scaled = self.scaled_over(self.fits)
        if not np.array_equal(scaled, self.scaled):
            self.scaled = scaled
            self._sum(ALL)

    def scaled_over(self, feasible: Bools) -> Ints:
        out: Ints = np.zeros(len(self.fits), np.int64)
        for scorer, raw in zip(self._asked.normalized, self.raws, strict=True):
            out += scorer.weight * scorer.plugin.normalize(CycleState(), raw, feasible)
        return out
