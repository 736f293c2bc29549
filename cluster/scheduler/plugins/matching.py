"""Node selectors over columns: each requirement is asked once per distinct value of its label."""

from __future__ import annotations

import numpy as np

from cluster.machinery.selectors import Requirement
from cluster.scheduler.cache.columns import Bools
from cluster.scheduler.cache.nodes import NodeTable
from cluster.scheduler.cache.terms import NodeSelector, NodeTerm
from cluster.scheduler.framework import Slots


def selected(nodes: NodeTable, selector: NodeSelector, at: Slots) -> Bools:
    """Where a pod's node selector and required affinity hold."""
    out: Bools = np.ones(len(nodes.valid[at]), dtype=np.bool_)
    for key, value in selector.labels:
        column = nodes.label_column(key)
        number = column.known(value)
        out &= column.ids[at] == (-1 if number is None else number)
    if selector.terms is not None:
        any_term: Bools = np.zeros(len(out), dtype=np.bool_)
        for term in selector.terms:
            any_term |= term_matches(nodes, term, at)
        out &= any_term
    return out


def term_matches(nodes: NodeTable, term: NodeTerm, at: Slots) -> Bools:
    out: Bools = np.full(len(nodes.valid[at]), not term.empty, dtype=np.bool_)
    if term.empty:
        return out
    for requirement in term.labels:
        out &= _label_holds(nodes, requirement, at)
    for requirement in term.fields:
        out &= _name_holds(nodes, requirement, at)
    return out


def _label_holds(nodes: NodeTable, requirement: Requirement, at: Slots) -> Bools:
    key = requirement.key
    return nodes.label_column(key).where(
        lambda value: requirement.matches({} if value is None else {key: value}), at
    )


def _name_holds(nodes: NodeTable, requirement: Requirement, at: Slots) -> Bools:
    named: Bools = np.zeros(nodes.size, dtype=np.bool_)
    for name in requirement.values:
        slot = nodes.slots.get(name)
        if slot is not None:
            named[slot] = True
    return named[at] if requirement.operator == "In" else ~named[at]
