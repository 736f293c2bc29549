"""On which node preemption costs least.

What was found for a node is remembered until the node changes, so that a thousand pods that
preempt do not look at a thousand nodes each. Models pkg/scheduler/framework/preemption.
"""

from __future__ import annotations

import numpy as np

from cluster.machinery.meta import Object
from cluster.scheduler.cache import Cache
from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.framework import Filters, Pending
from cluster.scheduler.victims import RANKS, Candidate, Victims

CHUNK = 1024  # nodes looked at together
Against = list[tuple[list[str], int]]  # reasons, and on how many nodes these hold


class _Known:
    """What was found for a PodSpec on each slot, and at which revision of the slot. `kind`: 0 no
    candidate, 1 one without violations, 2 with."""

    def __init__(self, size: int) -> None:
        self.revision: Ints = np.full(size, -1, np.int64)
        self.kind: Ints = np.zeros(size, np.int64)
        self.ranks = np.zeros((size, RANKS))
        self.candidates: dict[int, Candidate] = {}
        self.why: Ints = np.zeros(size, np.int64)  # of no candidate; 0: not asked yet
        self.reasons: list[list[str]] = [[]]

    def keep(self, slot: int, revision: int, found: Candidate | list[str] | None) -> None:
        self.revision[slot] = revision
        self.kind[slot] = self.why[slot] = 0
        if isinstance(found, Candidate):
            self.kind[slot] = 2 if found.rank[0] else 1
            self.ranks[slot] = found.rank
            self.candidates[slot] = found
        elif found:
            if found not in self.reasons:
                self.reasons.append(found)
            self.why[slot] = self.reasons.index(found)

    def best(self, slots: Ints) -> Candidate:
        """The first of those that cost least."""
        for criterion in range(RANKS):
            cost = self.ranks[slots, criterion]
            slots = slots[cost == cost.min()]
        return self.candidates[slots.item(0)]


class Searcher:
    def __init__(self, cache: Cache, victims: Victims) -> None:
        self._cache = cache
        self._victims = victims
        self._known: dict[int, _Known] = {}

    def search(
        self, pod: Pending, order: Ints, wanted: int, filters: Filters, now: float
    ) -> Candidate | Against:
        """The best of the first `wanted` candidates in `order` (of more, if those all violate
        budgets), or why none of the nodes is one. `now` counts as the start of pods that have
        not started."""
        budgets = self._victims.any_budgets
        known = self._of(pod, keep=filters.local and not budgets)
        found = np.zeros(0, np.int64)
        clean = False
        for begin in range(0, len(order), CHUNK):
            part = order[begin : begin + CHUNK]
            self._refresh(known, pod, part, wanted - len(found), clean, filters, now, budgets)
            kinds = known.kind[part]
            count = len(found) + np.cumsum(kinds > 0)
            enough = ((count >= wanted) & (clean | (np.cumsum(kinds == 1) > 0))).nonzero()[0]
            end = enough.item(0) + 1 if len(enough) else len(part)
            found = np.concatenate((found, part[:end][kinds[:end] > 0]))
            if len(enough):
                break
            clean = clean or bool((kinds == 1).any())
        if len(found):
            return known.best(found)
        return self._against(known, pod, order, filters, now)

    def _refresh(
        self, known: _Known, pod: Pending, part: Ints, wanted: int, clean: bool, filters: Filters,
        now: float, budgets: bool,
    ) -> None:  # fmt: skip
        """Look at the nodes of `part` that changed, in order, until there are `wanted`."""
        nodes = self._cache.nodes
        stale = known.revision[part] != nodes.revision[part]
        if filters.own_slot >= 0:
            stale |= part == filters.own_slot
        if not stale.any():
            return
        kept = np.where(stale, 0, known.kind[part])
        found_before, clean_before = np.cumsum(kept > 0), np.cumsum(kept == 1)
        found = newly_clean = 0
        for index in stale.nonzero()[0].tolist():
            if found + found_before[index] >= wanted and (
                clean or newly_clean or clean_before[index]
            ):
                break
            slot = part.item(index)
            simple = not budgets and filters.amounts_only(slot)
            ask = self._victims.by_arithmetic if simple else self._victims.by_filters
            # The pod's own promise is left out: true for this pod alone.
            revision = -1 if slot == filters.own_slot else nodes.revision.item(slot)
            known.keep(slot, revision, ask(pod, slot, filters, now))
            found += known.kind.item(slot) > 0
            newly_clean += known.kind.item(slot) == 1

    def _of(self, pod: Pending, *, keep: bool) -> _Known:
        size = self._cache.nodes.size
        known = self._known.get(pod.spec.id) if keep else None
        if known is None or len(known.revision) != size:
            known = _Known(size)
            if keep:
                if len(self._known) > 256:
                    self._known.clear()
                self._known[pod.spec.id] = known
        return known

    def _against(
        self, known: _Known, pod: Pending, order: Ints, filters: Filters, now: float
    ) -> Against:
        for slot in order[known.why[order] == 0].tolist():
            revision = known.revision.item(slot)
            known.keep(slot, revision, self._victims.by_filters(pod, slot, filters, now))
        counts = np.bincount(known.why[order]).tolist()
        return list(zip(known.reasons, counts))


def is_preempted(pod: Object) -> bool:
    """Whether the pod is going because a scheduler preempted it."""
    if "deletionTimestamp" not in pod["metadata"]:
        return False
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "DisruptionTarget":
            reason = condition.get("reason")
            return condition.get("status") == "True" and reason == "PreemptionByScheduler"
    return False
