"""Asks every filter about every node, in order: only done when a pod fits nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cluster.scheduler.cache import NodeTable
from cluster.scheduler.cache.columns import Bools
from cluster.scheduler.fit_error import Diagnosis
from cluster.scheduler.framework import (
    Code,
    CycleState,
    FilterPlugin,
    Pending,
    Status,
)

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
    if profile.nominator:
        promised = profile.promised(asked, state, pod)
        slots, kinds = promised.against(left)
        for verdict, count in promised.counted(kinds):
            for plugin, reason, _ in verdict:
                out.count(reason, count, plugin)
        out.unresolvable[promised.unresolvable(slots, kinds)] = True
        left[slots] = False
    _reject(out, asked, state, pod, left)
    return out


def _reject(
    out: Diagnosis, plugins: list[FilterPlugin], state: CycleState, pod: Pending, left: Bools
) -> None:
    """Count the reasons of the nodes that are `left`, all at once."""
    for plugin in plugins:
        here: Bools = np.zeros(len(left), np.bool_)
        for rejection in plugin.filter(state, pod, slice(None)):
            hit = rejection.nodes & left
            out.count(rejection.reason, int(np.count_nonzero(hit)), plugin.name)
            if rejection.unresolvable:
                out.unresolvable |= hit
            here |= hit
        left = left & ~here
