"""Asks every filter about every node, in order: only done when a pod fits nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cluster.scheduler.cache import NodeTable
from cluster.scheduler.cache.columns import Bools
from cluster.scheduler.fit_error import Diagnosis
from cluster.scheduler.framework import Code, CycleState, FilterPlugin, Pending, Status

if TYPE_CHECKING:
    from cluster.scheduler.profile import Profile
    from cluster.scheduler.row import Row


def named(nodes: NodeTable, names: frozenset[str]) -> Bools:
    out: Bools = np.zeros(nodes.size, np.bool_)
    for name in names:
        slot = nodes.slots.get(name)
        if slot is not None:
            out[slot] = nodes.valid[slot]
    return out


def refused(nodes: NodeTable, status: Status, plugin: str) -> Diagnosis:
    """A PreFilter said no, whatever the node."""
    out = Diagnosis(nodes.count, plugins={plugin}, pre_filter=status.message)
    unresolvable = status.code is Code.UNRESOLVABLE
    out.unresolvable = np.full(nodes.size, unresolvable) | ~nodes.valid
    return out


def diagnose(profile: Profile, state: CycleState, pod: Pending, row: Row) -> Diagnosis:
    """Every node's first reasons, counted; kept with the row while nothing changes."""
    anew = any(p.filters(pod) for p in profile.cluster_filters)
    keep = not (anew or state.only is not None or profile.nominator)
    if keep and row.diagnosis is not None and row.diagnosis[0] == row.key:
        known = row.diagnosis[1]
        assert isinstance(known, Diagnosis)
        return Diagnosis(known.total, known.reasons, known.plugins, known.unresolvable)
    found = _diagnose(profile, state, pod)
    if keep:
        row.diagnosis = (row.key, found)
    return found


def _diagnose(profile: Profile, state: CycleState, pod: Pending) -> Diagnosis:
    nodes = profile.nodes
    out = Diagnosis(nodes.count, unresolvable=~nodes.valid)
    left = nodes.valid.copy()
    if state.only is not None:
        others = left & ~named(nodes, state.only)
        reason = f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(state.only_by))}]"
        for plugin_name in state.only_by:
            out.plugins.add(plugin_name)
        out.count(reason, int(np.count_nonzero(others)), state.only_by[0])
        out.unresolvable |= others
        left &= ~others
    asked = [p for p in profile.filters if p.filters(pod)]
    for slot, promised in profile.nominator.at_least(pod).items():
        if slot < len(left) and left[slot]:
            with profile.nominator.counted_in(promised):
                at = np.array([slot])
                left[slot] = not _reject(out, asked, state, pod, at, np.ones(1, np.bool_), at)
    _reject(out, asked, state, pod, slice(None), left, np.arange(nodes.size))
    return out


def _reject(
    out: Diagnosis,
    plugins: list[FilterPlugin],
    state: CycleState,
    pod: Pending,
    at: slice | np.ndarray,
    left: Bools,
    slots: np.ndarray,
) -> bool:
    """Count the reasons of `left` (the nodes `at`); True when any was rejected."""
    rejected: Bools = np.zeros(len(left), np.bool_)
    for plugin in plugins:
        here: Bools = np.zeros(len(left), np.bool_)
        for rejection in plugin.filter(state, pod, at):
            hit = rejection.nodes & left
            out.count(rejection.reason, int(np.count_nonzero(hit)), plugin.name)
            if rejection.unresolvable:
                out.unresolvable[slots[hit]] = True
            here |= hit
        left = left & ~here
        rejected |= here
    return bool(rejected.any())
