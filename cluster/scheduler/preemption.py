"""Which pods would have to go for a pod to fit, and on which node that costs least.

Pure questions over the cache: victims are counted out, the filters asked, and everything is
counted in again. Models pkg/scheduler/framework/preemption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cluster.client import Lister
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, namespace_of
from cluster.machinery.selectors import from_label_selector
from cluster.scheduler.cache import Cache, PodRecord
from cluster.scheduler.framework import Pending

NO_VICTIMS = "No preemption victims found for incoming pod"
# Added to every priority in a sum, so that a few negative ones do not beat a single one.
SHIFT = 2**31
ReasonsAt = Callable[[int], list[str]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and the pods that would have to go, the most important first."""

    slot: int
    victims: tuple[PodRecord, ...]
    violations: int  # of disruption budgets
    rank: tuple[float, ...]  # smaller is better


class Searcher:
    """`pods` are all pods (for start times), `budgets` the PodDisruptionBudgets, `now` counts for
    pods that have not started."""

    def __init__(self, cache: Cache, pods: Lister, budgets: Callable[[], Iterable[Object]]) -> None:
        self._cache = cache
        self._pods = pods
        self._budgets = budgets
        # (PodSpec, slot) -> (the slot's revision then, the answer), where nothing else matters
        self._known: dict[tuple[int, int], tuple[int, Candidate | list[str]]] = {}

    def on_node(
        self, pod: Pending, slot: int, reasons_at: ReasonsAt, now: float, *, local: bool
    ) -> Candidate | list[str]:
        """The fewest victims, or why even without all of them the pod would not fit.

        `local`: the answer depends on nothing but this node, so it may be kept.
        """
        nodes = self._cache.nodes
        revision = nodes.revision.item(slot)
        if not local:
            return self._select(pod, slot, reasons_at, now)
        kept = self._known.get((pod.spec.id, slot))
        if kept is not None and kept[0] == revision:
            return kept[1]
        found = self._select(pod, slot, reasons_at, now)
        nodes.revision[slot] = revision  # everything is as it was
        if len(self._known) > 100_000:
            self._known.clear()
        self._known[pod.spec.id, slot] = (revision, found)
        return found

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
        return Candidate(slot, tuple(victims), violations, rank)

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


def best(candidates: list[Candidate]) -> Candidate:
    """The first of those that cost least."""
    return min(candidates, key=lambda c: c.rank)


def is_preempted(pod: Object) -> bool:
    """Whether the pod is going because a scheduler preempted it."""
    if "deletionTimestamp" not in pod["metadata"]:
        return False
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "DisruptionTarget":
            reason = condition.get("reason")
            return condition.get("status") == "True" and reason == "PreemptionByScheduler"
    return False
