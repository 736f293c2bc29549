"""Which pods would have to go for a pod to fit, and on which node that costs least.

Pure questions over the cache: victims are counted out, the filters asked, and everything is
counted in again. Models pkg/scheduler/framework/preemption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from cluster.client import Lister
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, namespace_of
from cluster.machinery.selectors import from_label_selector
from cluster.scheduler.cache import Cache, PodRecord
from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.framework import Filters, Pending

NO_VICTIMS = "No preemption victims found for incoming pod"
# Added to every priority in a sum, so that a few negative ones do not beat a single one.
SHIFT = 2**31
RANKS = 5
ReasonsAt = Callable[[int], list[str]]
Against = list[tuple[list[str], int]]  # reasons, and on how many nodes these hold


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and the pods that would have to go, the most important first."""

    slot: int
    victims: tuple[PodRecord, ...]
    rank: tuple[float, ...]  # RANKS criteria, smaller is better; first, violated budgets


class _Known:
    """What was found for a PodSpec on each slot, and at which revision of the slot. `kind`: 0 no
    candidate, 1 one without violations, 2 with."""

    def __init__(self, size: int) -> None:
        self.revision: Ints = np.full(size, -1, np.int64)
        self.kind: Ints = np.zeros(size, np.int64)
        self.ranks = np.zeros((size, RANKS))
        self.candidates: dict[int, Candidate] = {}
        self.why: Ints = np.zeros(size, np.int64)  # of no candidate: number of its reasons
        self.reasons: list[list[str]] = []

    def keep(self, slot: int, revision: int, found: Candidate | list[str]) -> None:
        self.revision[slot] = revision
        if isinstance(found, Candidate):
            self.kind[slot] = 2 if found.rank[0] else 1
            self.ranks[slot] = found.rank
            self.candidates[slot] = found
        else:
            self.kind[slot] = 0
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
    """`pods` are all pods (for start times), `budgets` the PodDisruptionBudgets."""

    def __init__(self, cache: Cache, pods: Lister, budgets: Callable[[], Iterable[Object]]) -> None:
        self._cache = cache
        self._pods = pods
        self._budgets = budgets
        self._known: dict[int, _Known] = {}

    def search(
        self, pod: Pending, order: Ints, wanted: int, filters: Filters, now: float
    ) -> Candidate | Against:
        """The best of the first `wanted` candidates in `order` (of more, if those all violate
        budgets), or why none of the nodes is one. `now` counts as the start of pods that have
        not started."""
        keep = filters.local and not any(True for _ in self._budgets())
        known = self._of(pod, keep)
        nodes = self._cache.nodes
        stale = known.revision[order] != nodes.revision[order]
        if filters.own_slot >= 0:
            stale |= order == filters.own_slot
        fresh = np.where(stale, 0, known.kind[order])
        found_before, clean_before = np.cumsum(fresh > 0), np.cumsum(fresh == 1)
        found = clean = 0
        for index in stale.nonzero()[0].tolist():
            if clean + clean_before[index] and found + found_before[index] >= wanted:
                break
            slot = order.item(index)
            revision = nodes.revision.item(slot)
            known.keep(slot, revision, self._select(pod, slot, filters.reasons_at, now))
            nodes.revision[slot] = revision  # everything is as it was
            found += bool(known.kind[slot])
            clean += known.kind.item(slot) == 1
            if slot == filters.own_slot:
                known.revision[slot] = -1
        return self._choose(known, order, wanted)

    def _of(self, pod: Pending, keep: bool) -> _Known:
        size = self._cache.nodes.size
        known = self._known.get(pod.spec.id) if keep else None
        if known is None or len(known.revision) != size:
            known = _Known(size)
            if keep:
                if len(self._known) > 256:
                    self._known.clear()
                self._known[pod.spec.id] = known
        return known

    def _choose(self, known: _Known, order: Ints, wanted: int) -> Candidate | Against:
        kinds = known.kind[order]
        count, clean = np.cumsum(kinds > 0), np.cumsum(kinds == 1)
        if not count[-1]:
            counts = np.bincount(known.why[order]).tolist()
            return list(zip(known.reasons, counts))
        enough = ((count >= wanted) & (clean > 0)).nonzero()[0]
        end = enough.item(0) + 1 if len(enough) else len(order)
        return known.best(order[:end][kinds[:end] > 0])

    def _select(
        self, pod: Pending, slot: int, reasons_at: ReasonsAt, now: float
    ) -> Candidate | list[str]:
        """Models SelectVictimsOnNode."""
        lower = [r for r in self._cache.pods_on(slot) if r.spec.priority < pod.spec.priority]
        if not lower:
            return [NO_VICTIMS]
        lower.sort(key=lambda r: (-r.spec.priority, self._start(r, now), r.key))
        out = dict.fromkeys(lower)
        for record in lower:
            self._cache.take_out(record)
        try:
            reasons = reasons_at(slot)
            if reasons:
                return reasons
            violating, harmless = self._by_budget(lower)
            victims: list[PodRecord] = []
            violations = 0
            for record in (*violating, *harmless):
                self._cache.put_back(record)
                del out[record]
                if reasons_at(slot):
                    self._cache.take_out(record)
                    out[record] = None
                    victims.append(record)
                    violations += record in violating
        finally:
            for record in out:
                self._cache.put_back(record)
        return self._candidate(slot, victims, violations, now) if victims else []

    def _candidate(
        self, slot: int, victims: list[PodRecord], violations: int, now: float
    ) -> Candidate:
        """Models pickOneNodeForPreemption: its criteria, most important first."""
        victims.sort(key=lambda r: (-r.spec.priority, self._start(r, now), r.key))
        highest = victims[0].spec.priority
        first_started = min(self._start(r, now) for r in victims if r.spec.priority == highest)
        rank = (
            violations,
            highest,
            sum(r.spec.priority + SHIFT for r in victims),
            len(victims),
            -first_started,
        )
        return Candidate(slot, tuple(victims), rank)

    def _start(self, record: PodRecord, now: float) -> float:
        pod = self._pods.get(record.key)
        started = ((pod or {}).get("status") or {}).get("startTime")
        return parse_time(started) if started else now

    def _by_budget(self, records: list[PodRecord]) -> tuple[list[PodRecord], list[PodRecord]]:
        """(pods whose going would violate a budget, the others). Models
        filterPodsWithPDBViolation."""
        budgets = [(b, from_label_selector(b["spec"].get("selector"))) for b in self._budgets()]
        allowed = [int((b.get("status") or {}).get("disruptionsAllowed") or 0) for b, _ in budgets]
        violating: list[PodRecord] = []
        harmless: list[PodRecord] = []
        for record in records:
            namespace, labels, _ = record.group
            broken = False
            for index, (budget, selector) in enumerate(budgets):
                if not labels or selector.empty or namespace_of(budget) != namespace:
                    continue
                disrupted = (budget.get("status") or {}).get("disruptedPods") or {}
                if not selector.matches(dict(labels)) or record.key.split("/")[1] in disrupted:
                    continue
                allowed[index] -= 1
                broken = broken or allowed[index] < 0
            (violating if broken else harmless).append(record)
        return violating, harmless


def is_preempted(pod: Object) -> bool:
    """Whether the pod is going because a scheduler preempted it."""
    if "deletionTimestamp" not in pod["metadata"]:
        return False
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "DisruptionTarget":
            reason = condition.get("reason")
            return condition.get("status") == "True" and reason == "PreemptionByScheduler"
    return False
