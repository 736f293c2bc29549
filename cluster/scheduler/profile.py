"""A profile: the plugins of one schedulerName, and an attempt to place a pod with them.

`attempt` is the scheduling cycle up to the choice of a node. Models pkg/scheduler/schedule_one.go
(schedulePod) and framework/runtime.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np

from cluster.scheduler import diagnose
from cluster.scheduler.cache import PodRecord
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.config import ConfigError, ProfileConfig
from cluster.scheduler.fit_error import Diagnosis
from cluster.scheduler.framework import (
    BindPlugin,
    ClusterEvent,
    CycleState,
    FilterPlugin,
    Filters,
    Handle,
    Pending,
    PermitPlugin,
    Plugin,
    PostBindPlugin,
    PostFilterPlugin,
    PreBindPlugin,
    PreEnqueuePlugin,
    QueueSortPlugin,
    ReservePlugin,
    Scope,
    ScorePlugin,
)
from cluster.scheduler.nominator import Nominator
from cluster.scheduler.plugins import PLUGINS
from cluster.scheduler.plugins.node_resources_fit import NodeResourcesFit
from cluster.scheduler.promised import Promised, first_rejection
from cluster.scheduler.row import INFEASIBLE, Asked, Row, Scorer

ROWS_MEMORY = 64 * 1024 * 1024  # of all rows together, about
ROW_BYTES = 60  # a node
MIN_FEASIBLE = 100  # Models minFeasibleNodesToFind
P = TypeVar("P")


@dataclass(slots=True)
class Choice:
    """The outcome of an attempt. `slot` -1: it fits nowhere, and `diagnosis` says why.
    `totals` has the score of every feasible node, INFEASIBLE elsewhere; None when only one node
    was left and nothing was scored."""

    slot: int
    totals: Ints | None = None
    ties: Ints | None = None
    diagnosis: Diagnosis | None = None


class Profile:
    def __init__(self, config: ProfileConfig, handle: Handle, nominator: Nominator) -> None:
        self.name = config.name
        self.config = config
        self.nominator = nominator
        self.cache = handle.cache
        self.nodes = handle.cache.nodes
        self.entropy = handle.env.entropy
        self.recorder = handle.env.recorder(config.name)
        self.plugins = {name: _make(name, config, handle) for name in config.names()}
        self.pre_enqueue = self._at("preEnqueue", PreEnqueuePlugin)
        self.queue_sort = self._at("queueSort", QueueSortPlugin)
        self.filters = self._at("filter", FilterPlugin)
        self.post_filters = self._at("postFilter", PostFilterPlugin)
        self.scorers = self._scorers()
        self.reserve = self._at("reserve", ReservePlugin)
        self.permit = self._at("permit", PermitPlugin)
        self.pre_bind = self._at("preBind", PreBindPlugin)
        self.bind = self._at("bind", BindPlugin)
        self.post_bind = self._at("postBind", PostBindPlugin)
        if len(self.queue_sort) != 1:
            raise ConfigError(f"exactly one queue sort plugin required for profile {self.name!r}")
        if not self.bind:
            raise ConfigError(f"at least one bind plugin is needed for profile {self.name!r}")
        self.events: dict[str, list[ClusterEvent]] = {
            name: plugin.events() for name, plugin in self.plugins.items()
        }
        self.pre_filters = [
            p for p in self.filters if type(p).pre_filter is not FilterPlugin.pre_filter
        ]
        self.cluster_filters = [p for p in self.filters if p.scope is Scope.CLUSTER]
        self.cluster_scorers = [s for s in self.scorers if _asked_anew(s.plugin)]
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._start = 0  # where the next search begins, when only some nodes are looked at

    def _at(self, point: str, kind: Callable[..., P]) -> list[P]:
        assert isinstance(kind, type)
        fills = [n for n, p in self.plugins.items() if isinstance(p, kind)]
        found = [self.plugins[e.name] for e in self.config.at(point, fills)]
        return [cast(P, p) for p in found if isinstance(p, kind)]

    def _scorers(self) -> list[Scorer]:
        fills = [n for n, p in self.plugins.items() if isinstance(p, ScorePlugin)]
        out = []
        for enabled in self.config.at("score", fills):
            plugin = self.plugins[enabled.name]
            assert isinstance(plugin, ScorePlugin)
            out.append(Scorer(plugin, enabled.weight or 1))
        return out

    # ---- rows

    def row(self, pod: Pending) -> Row:
        row = self._rows.get(pod.spec.id)
        if row is None:
            row = self._rows[pod.spec.id] = Row(self.nodes, self._ask(pod), pod)
            if len(self._rows) > max(64, ROWS_MEMORY // (ROW_BYTES * max(self.nodes.size, 1))):
                self._rows.popitem(last=False)
        else:
            self._rows.move_to_end(pod.spec.id)
        row.refresh()
        return row

    def _ask(self, pod: Pending) -> Asked:
        filters = [p for p in self.filters if p.scope is not Scope.CLUSTER and p.filters(pod)]
        scorers = [s for s in self.scorers if not _asked_anew(s.plugin) and s.plugin.scores(pod)]
        plain = [s for s in scorers if not s.plugin.normalizes]
        return Asked(
            node_filters=[p for p in filters if p.scope is Scope.NODE],
            local_filters=[p for p in filters if p.scope is Scope.LOCAL],
            node_scorers=[s for s in plain if s.plugin.scope is Scope.NODE],
            local_scorers=[s for s in plain if s.plugin.scope is Scope.LOCAL],
            normalized=[s for s in scorers if s.plugin.normalizes],
        )

    # ---- an attempt

    def attempt(self, state: CycleState, pod: Pending) -> Choice:
        self.nodes.trim()
        if not self.nodes.count:
            return Choice(-1, diagnosis=Diagnosis(0))
        for plugin in self.pre_filters:
            status = plugin.pre_filter(state, pod) if plugin.filters(pod) else None
            if status is not None:
                return Choice(-1, diagnosis=diagnose.refused(self.nodes, status, plugin.name))
        row = self.row(pod)
        if state.only is not None and len(state.only) == 1 and not self.nominator:
            return self._pinned(state, pod, row)
        anew = [p for p in self.cluster_filters if p.filters(pod)]
        scorers = [s for s in self.cluster_scorers if s.plugin.scores(pod)]
        feasible = row.fits
        if anew or state.only is not None or self.nominator or self._samples():
            feasible = self.feasible(state, pod, row, anew)
        elif not scorers:
            return self._choose(pod, state, row.total, row)
        return self._choose(pod, state, self._totals(state, pod, row, feasible, scorers), row)

    def _pinned(self, state: CycleState, pod: Pending, row: Row) -> Choice:
        """Only one node comes into question (a DaemonSet's pod): the columns are left alone."""
        assert state.only is not None
        (name,) = state.only
        slot = self.nodes.slots.get(name, -1)
        fits = slot >= 0 and row.fits.item(slot)
        if fits and self.cluster_filters:
            at = np.array([slot])
            for plugin in self.cluster_filters:
                if plugin.filters(pod) and any(r.nodes[0] for r in plugin.filter(state, pod, at)):
                    fits = False
        if fits:
            return Choice(slot)
        return Choice(-1, diagnosis=diagnose.diagnose(self, state, pod, row))

    def feasible(
        self, state: CycleState, pod: Pending, row: Row, anew: list[FilterPlugin]
    ) -> Bools:
        """The nodes that pass all filters (or as many of them as are asked for)."""
        out = row.fits.copy()
        if state.only is not None:
            out &= diagnose.named(self.nodes, state.only)
        for plugin in anew:
            for rejection in plugin.filter(state, pod, slice(None)):
                out &= ~rejection.nodes
        if self.nominator:
            out = self._among_promised(state, pod, out)
        return self._sample(out) if self._samples() else out

    def _among_promised(self, state: CycleState, pod: Pending, feasible: Bools) -> Bools:
        """The node promised to the pod, if it fits there. Else nodes that are promised to more
        important pods must have room for these too."""
        asked = [p for p in self.filters if p.filters(pod)]
        promised = self.promised(asked, state, pod)
        own = promised.own
        if own >= 0 and feasible[own] and promised.fits(own):
            only: Bools = np.zeros(len(feasible), np.bool_)
            only[own] = True
            return only
        feasible[promised.against(feasible)[0]] = False
        return feasible

    def promised(self, asked: list[FilterPlugin], state: CycleState, pod: Pending) -> Promised:
        row = self.row(pod)
        fits = row.node_fits
        return Promised(self.nodes, self.nominator, row.promised, fits, asked, state, pod)

    def questions(self, state: CycleState, pod: Pending) -> Filters:
        """For PostFilter plugins: the filters, with what is promised to others counted in."""
        fits = self.row(pod).node_fits if self.nodes.count else np.zeros(0, np.bool_)
        by_node = [p for p in self.filters if p.filters(pod)]
        by_pods = [p for p in by_node if p.scope is not Scope.NODE]

        def ask(slot: int) -> list[str]:
            asked = by_pods if fits.item(slot) else by_node
            return [r.reason for _, r in first_rejection(asked, state, pod, slot)]

        def reasons_at(slot: int) -> list[str]:
            promised = self.nominator.at(pod, slot) if self.nominator else []
            if promised:
                with self.nominator.counted_in(promised):
                    reasons = ask(slot)
                if reasons:
                    return reasons
            return ask(slot)

        def promised_at(slot: int) -> list[PodRecord]:
            return self.nominator.at(pod, slot) if self.nominator else []

        local = all(p.scope is Scope.LOCAL for p in by_pods)
        simple = [type(p) for p in by_pods] == [NodeResourcesFit] and not any(
            p.ignores_any for p in by_pods if isinstance(p, NodeResourcesFit)
        )
        own = self.nominator.own_slot(pod)
        return Filters(reasons_at, promised_at, own, local, lambda slot: simple and fits.item(slot))

    def _totals(
        self, state: CycleState, pod: Pending, row: Row, feasible: Bools, scorers: list[Scorer]
    ) -> Ints:
        if np.count_nonzero(feasible) <= 1:
            return np.where(feasible, row.fixed, INFEASIBLE)
        same = feasible is row.fits or np.array_equal(feasible, row.fits)
        total = row.fixed + (row.scaled if same else row.scaled_over(feasible))
        for scorer in scorers:
            scorer.plugin.pre_score(state, pod, feasible)
            raw = scorer.plugin.score(state, pod, slice(None))
            if scorer.plugin.normalizes:
                raw = scorer.plugin.normalize(state, raw, feasible)
            total += scorer.weight * raw
        return np.where(feasible, total, INFEASIBLE)

    def _choose(self, pod: Pending, state: CycleState, totals: Ints, row: Row) -> Choice:
        """The best node; among equals one is drawn."""
        best = totals.max()
        if best < 0:
            return Choice(-1, diagnosis=diagnose.diagnose(self, state, pod, row))
        ties = (totals == best).nonzero()[0]
        index = self.entropy.below(len(ties)) if len(ties) > 1 else 0
        return Choice(ties.item(index), totals, ties)

    # ---- percentageOfNodesToScore

    def _samples(self) -> bool:
        return self.config.percentage < 100 and self.nodes.count >= MIN_FEASIBLE

    def _wanted(self) -> int:
        """Models numFeasibleNodesToFind."""
        count, share = self.nodes.count, self.config.percentage
        if share == 0:
            share = max(5, 50 - count // 125)
        return max(MIN_FEASIBLE, count * share // 100)

    def _sample(self, feasible: Bools) -> Bools:
        """The first feasible nodes from where the last search ended."""
        wanted, size = self._wanted(), len(feasible)
        order = np.roll(np.arange(size), -(self._start % size))
        found = order[feasible[order]][:wanted]
        out: Bools = np.zeros(size, np.bool_)
        out[found] = True
        if len(found) == wanted:
            self._start = (int(found[-1]) + 1) % size
        return out


def _asked_anew(plugin: ScorePlugin) -> bool:
    """Whether its scores cannot be kept in a row."""
    return plugin.scope is Scope.CLUSTER or (plugin.scope is Scope.LOCAL and plugin.normalizes)


def _make(name: str, config: ProfileConfig, handle: Handle) -> Plugin:
    factory = PLUGINS.get(name)
    if factory is None:
        raise ConfigError(f"plugin {name!r} does not exist")
    try:
        return factory(handle, config.args.get(name, {}))
    except ValueError as error:
        raise ConfigError(f"initializing plugin {name!r}: {error}") from error
