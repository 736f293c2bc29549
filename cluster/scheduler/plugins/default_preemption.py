"""DefaultPreemption: makes room for a pod by deleting less important ones, gracefully.

Models plugins/defaultpreemption and the execution half of framework/preemption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from cluster.client import EventRecorder, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, set_condition, uid_of, with_status
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.fit_error import NOT_HELPFUL, histogram
from cluster.scheduler.framework import (
    Code,
    CycleState,
    Filters,
    Handle,
    Pending,
    PostFilterPlugin,
    PostFilterResult,
    Status,
)
from cluster.scheduler.preemption import Against, Searcher, is_preempted
from cluster.scheduler.victims import NO_VICTIMS, Candidate, Victims

NEVER = "not eligible due to preemptionPolicy=Never."
WAITING = "not eligible due to a terminating pod on the nominated node."


class DefaultPreemption(PostFilterPlugin):
    name = "DefaultPreemption"

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        self.percentage = _number(args, "minCandidateNodesPercentage", 10)
        self.absolute = _number(args, "minCandidateNodesAbsolute", 100)
        if not 0 <= self.percentage <= 100:
            raise ValueError("minCandidateNodesPercentage: not in valid range [0, 100]")
        if self.absolute < 0 or self.percentage == self.absolute == 0:
            raise ValueError(
                "minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be zero"
            )
        self.clock = handle.env.clock
        self.client = handle.env.client
        self.entropy = handle.env.entropy
        self._recorders: dict[str, EventRecorder] = {}
        self.pods = handle.lister(kinds.PODS)
        self.budgets = _budgets(handle)
        victims = Victims(handle.cache, self.pods, self.budgets)
        self.searcher = Searcher(handle.cache, victims)

    def post_filter(
        self, state: CycleState, pod: Pending, unresolvable: Bools, filters: Filters
    ) -> PostFilterResult:
        refusal = self._not_eligible(pod, unresolvable)
        if refusal:
            return PostFilterResult(None, self._no(refusal))
        potential = np.flatnonzero(self.nodes.valid & ~unresolvable)
        found = self._search(pod, potential, filters)
        if not isinstance(found, Candidate):
            reasons = {NOT_HELPFUL: self.nodes.count - len(potential)}
            for listed, nodes in found:
                for reason in listed:
                    reasons[reason] = reasons.get(reason, 0) + nodes
            return PostFilterResult("", self._no(histogram(self.nodes.count, reasons)))
        node = self.nodes.names[found.slot]
        self._preempt(pod, found, node)
        return PostFilterResult(node, None)

    def _no(self, why: str) -> Status:
        return Status(Code.UNSCHEDULABLE, (f"preemption: {why}",), self.name)

    def _not_eligible(self, pod: Pending, unresolvable: Bools) -> str:
        """Models PodEligibleToPreemptOthers."""
        if pod.spec.preemption_policy == "Never":
            return NEVER
        slot = self.nodes.slots.get(pod.nominated_node)
        if slot is None or unresolvable[slot]:
            return ""
        for record in self.cache.pods_on(slot):
            other = self.pods.get(record.key)
            if record.spec.priority < pod.spec.priority and other and is_preempted(other):
                return WAITING
        return ""

    # ---- search

    def _search(self, pod: Pending, potential: Ints, filters: Filters) -> Candidate | Against:
        """The best of enough nodes where it would help, from a random one on; or why none."""
        if not len(potential):
            return []
        if not self.cache.any_below(pod.spec.priority):
            return [([NO_VICTIMS], len(potential))]
        wanted = min(max(len(potential) * self.percentage // 100, self.absolute), len(potential))
        order = np.roll(potential, -self.entropy.below(len(potential)))
        return self.searcher.search(pod, order, wanted, filters, self.clock.now())

    # ---- execution

    def _preempt(self, pod: Pending, chosen: Candidate, node: str) -> None:
        for record in chosen.victims:
            victim = self.pods.get(record.key)
            if victim is not None and "deletionTimestamp" not in victim["metadata"]:
                self._evict(pod, victim, node)

    def _evict(self, pod: Pending, victim: Object, node: str) -> None:
        meta = victim["metadata"]
        target = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{pod.spec.scheduler_name}: preempting to accommodate a higher "
            "priority pod",
        }

        def marked(current: Object) -> Object:
            status = current.get("status") or {}
            conditions = set_condition(status.get("conditions"), target, self.clock.now())
            return with_status(current, {**status, "conditions": conditions})

        self.client.patch(
            kinds.PODS, meta["namespace"], meta["name"], marked, subresource="status",
            on_error=_gone,
        )  # fmt: skip
        self.client.delete(victim, on_error=_gone)
        message = f"Preempted by pod {uid_of(pod.obj)} on node {node}"
        self._recorder(pod.spec.scheduler_name).event(victim, "Normal", "Preempted", message)

    def _recorder(self, scheduler: str) -> EventRecorder:
        found = self._recorders.get(scheduler)
        if found is None:
            found = self._recorders[scheduler] = self.handle.env.recorder(scheduler)
        return found


def _gone(_: StatusError) -> None:
    """The victim went by itself."""


def _number(args: Mapping[str, Any], name: str, default: int) -> int:
    value = args.get(name)
    return default if value is None else int(value)


def _budgets(handle: Handle) -> Callable[[], Iterable[Object]]:
    resource = kinds.RESOURCES.get("poddisruptionbudgets.policy")
    if resource is None:
        return tuple
    lister = handle.lister(resource)
    return lambda: iter(lister)
