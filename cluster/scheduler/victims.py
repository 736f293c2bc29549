"""Which pods of a node would have to go for a pod to fit there.

Asked of the filters, with the victims counted out; or, where only amounts of resources are in
question, by arithmetic, which must come to the same. Everything is counted in again. Models
SelectVictimsOnNode of pkg/scheduler/framework/plugins/defaultpreemption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cluster.client import Lister
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, namespace_of
from cluster.machinery.selectors import from_label_selector
from cluster.scheduler.cache import Cache, PodRecord
from cluster.scheduler.framework import Filters, Pending

NO_VICTIMS = "No preemption victims found for incoming pod"
# Added to every priority in a sum, so that a few negative ones do not beat a single one.
SHIFT = 2**31
RANKS = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and the pods that would have to go, the most important first."""

    slot: int
    victims: tuple[PodRecord, ...]
    rank: tuple[float, ...]  # RANKS criteria, smaller is better; first, violated budgets


class Victims:
    """`pods` are all pods (for start times), `budgets` the PodDisruptionBudgets."""

    def __init__(self, cache: Cache, pods: Lister, budgets: Callable[[], Iterable[Object]]) -> None:
        self._cache = cache
        self._pods = pods
        self._budgets = budgets

    @property
    def any_budgets(self) -> bool:
        return any(True for _ in self._budgets())

    def _lower(self, pod: Pending, slot: int, now: float) -> list[PodRecord]:
        """Less important pods on a node, the most important of them first."""
        lower = [r for r in self._cache.pods_on(slot) if r.spec.priority < pod.spec.priority]
        lower.sort(key=lambda r: (-r.spec.priority, self._start(r, now), r.key))
        return lower

    def by_arithmetic(
        self, pod: Pending, slot: int, filters: Filters, now: float
    ) -> Candidate | None:
        """For `filters.amounts_only`, without budgets. None: the node is no candidate."""
        nodes, wanted = self._cache.nodes, pod.spec.requests
        lower = self._lower(pod, slot, now)
        if not lower:
            return None
        promised = filters.promised_at(slot)
        room = nodes.max_pods.item(slot) - nodes.pods.item(slot) + len(lower) - len(promised)
        free = {}
        for resource, amount in wanted.items():
            if amount:
                have = nodes.allocatable.get(resource)
                if have is None:
                    return None
                left = have.item(slot) - nodes.requested[resource].item(slot)
                left += sum(r.spec.requests.get(resource, 0) for r in lower)
                left -= sum(r.spec.requests.get(resource, 0) for r in promised)
                free[resource] = left - amount
        if room < 1 or any(left < 0 for left in free.values()):
            return None
        victims = []
        for record in lower:
            takes = record.spec.requests
            if room > 1 and all(left >= takes.get(r, 0) for r, left in free.items()):
                room -= 1
                for resource in free:
                    free[resource] -= takes.get(resource, 0)
            else:
                victims.append(record)
        return self._candidate(slot, victims, 0, now) if victims else None

    def by_filters(
        self, pod: Pending, slot: int, filters: Filters, now: float
    ) -> Candidate | list[str]:
        """A candidate, or why it is none: what is against it even without all of them."""
        reasons_at = filters.reasons_at
        lower = self._lower(pod, slot, now)
        if not lower:
            return [NO_VICTIMS]
        out = dict.fromkeys(lower)
        revision = self._cache.nodes.revision.item(slot)
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
            self._cache.nodes.revision[slot] = revision  # everything is as it was
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
