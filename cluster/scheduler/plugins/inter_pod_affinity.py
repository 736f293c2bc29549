"""InterPodAffinity: near these pods, away from those; and what existing pods want of newcomers.

Models plugins/interpodaffinity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cluster.machinery.meta import labels_of, namespace_of
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.cache.groups import PodQuery
from cluster.scheduler.cache.spec import PodSpec
from cluster.scheduler.cache.tally import Tally
from cluster.scheduler.cache.terms import PodTerm
from cluster.scheduler.framework import (
    MAX_SCORE,
    Action,
    ClusterEvent,
    CycleState,
    FilterPlugin,
    Handle,
    Happening,
    On,
    Pending,
    Rejection,
    Scope,
    ScorePlugin,
    Slots,
    always,
)

REASON_AFFINITY = "node(s) didn't match pod affinity rules"
REASON_ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
REASON_EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
Weighted = tuple[int, PodTerm, Tally]


class InterPodAffinity(FilterPlugin, ScorePlugin):
    name = "InterPodAffinity"
    scope = Scope.CLUSTER
    normalizes = True

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        weight = args.get("hardPodAffinityWeight")
        self.hard_weight = 1 if weight is None else int(weight)
        if not 0 <= self.hard_weight <= 100:
            raise ValueError("hardPodAffinityWeight: Invalid value: not in valid range [0-100]")
        self.ignore_existing = bool(args.get("ignorePreferredTermsOfExistingPods"))
        self.groups = handle.cache.groups
        self._existing: dict[object, tuple[list[Weighted], list[Weighted]]] = {}
        self._existing_version = -1

    # ---- what existing pods say about this one

    def _of_existing(self, pod: Pending) -> tuple[list[Weighted], list[Weighted]]:
        """Terms of existing pods that select this one: (anti-affinity, scoring)."""
        if self._existing_version != self.groups.terms_version or len(self._existing) > 4096:
            self._existing.clear()
            self._existing_version = self.groups.terms_version
        key = pod.group[:2]
        found = self._existing.get(key)
        if found is None:
            found = self._existing[key] = (self._repelling(pod), self._scoring(pod))
        return found

    def _selects(self, term: PodTerm, pod: Pending) -> bool:
        return self.groups.term_selects(term, pod.namespace, pod.labels)

    def _repelling(self, pod: Pending) -> list[Weighted]:
        terms = self.groups.terms("anti_affinity")
        return [entry for entry in terms if self._selects(entry[1], pod)]

    def _scoring(self, pod: Pending) -> list[Weighted]:
        out: list[Weighted] = []
        if self.hard_weight:
            out += [(self.hard_weight, t, n) for _, t, n in self.groups.terms("affinity")]
        out += self.groups.terms("preferred")
        out += [(-w, t, n) for w, t, n in self.groups.terms("avoided")]
        return [entry for entry in out if self._selects(entry[1], pod)]

    # ---- filter

    def filters(self, pod: Pending) -> bool:
        if pod.spec.affinity or pod.spec.anti_affinity:
            return True
        return self.groups.any_terms and bool(self._of_existing(pod)[0])

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        lonely = self._away_from_friends(pod, at)
        size = len(lonely)
        unwanted: Bools = np.zeros(size, dtype=np.bool_)
        for term in pod.spec.anti_affinity:
            unwanted |= self._present(term, self.groups.tally(PodQuery((term,))), at) > 0
        repelled: Bools = np.zeros(size, dtype=np.bool_)
        for _, term, tally in self._of_existing(pod)[0]:
            repelled |= self._present(term, tally, at) > 0
        unwanted &= ~lonely
        repelled &= ~lonely & ~unwanted
        return [
            Rejection(REASON_AFFINITY, lonely, True),
            Rejection(REASON_ANTI_AFFINITY, unwanted, False),
            Rejection(REASON_EXISTING, repelled, False),
        ]

    def _present(self, term: PodTerm, tally: Tally, at: Slots) -> Ints:
        """How many of the tallied pods are in each node's domain."""
        ids = self.nodes.label_column(term.topology_key).ids[at]
        sums = tally.by_domain(self.nodes, term.topology_key)
        return np.where(ids > 0, sums[ids], 0)

    def _away_from_friends(self, pod: Pending, at: Slots) -> Bools:
        """Nodes that do not satisfy the pod's own affinity."""
        wanted = pod.spec.affinity
        size = len(self.nodes.valid[at])
        if not wanted:
            return np.zeros(size, dtype=np.bool_)
        friends = self.groups.tally(PodQuery(wanted))
        labelled: Bools = np.ones(size, dtype=np.bool_)
        together: Bools = np.ones(size, dtype=np.bool_)
        anywhere = False
        for term in wanted:
            labelled &= self.nodes.label_column(term.topology_key).ids[at] > 0
            together &= self._present(term, friends, at) > 0
            anywhere |= bool(friends.by_domain(self.nodes, term.topology_key)[1:].any())
        if not anywhere and all(self._selects(term, pod) for term in wanted):
            return ~labelled  # the first of a group that wants its own company
        return ~(labelled & together)

    # ---- score

    def scores(self, pod: Pending) -> bool:
        if pod.spec.preferred_affinity or pod.spec.preferred_anti_affinity:
            return True
        if self.ignore_existing or not self.groups.any_terms:
            return False
        return bool(self._of_existing(pod)[1])

    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        total: Ints = np.zeros(len(self.nodes.valid[at]), dtype=np.int64)
        for weight, term in _weighted(pod.spec):
            total += weight * self._present(term, self.groups.tally(PodQuery((term,))), at)
        for weight, term, tally in self._of_existing(pod)[1]:
            total += weight * self._present(term, tally, at)
        return total

    def normalize(self, state: CycleState, raw: Ints, feasible: Bools) -> Ints:
        considered = raw[feasible]
        least, most = int(considered.min()), int(considered.max())
        if most == least:
            return np.zeros(len(raw), dtype=np.int64)
        return (MAX_SCORE * ((raw - least) / (most - least))).astype(np.int64)

    # ---- requeueing

    def events(self) -> list[ClusterEvent]:
        pods = Action.ADD | Action.DELETE | Action.UPDATE_POD_LABEL
        nodes = Action.ADD | Action.UPDATE_NODE_LABEL | Action.UPDATE_TAINT
        return [
            ClusterEvent(On.ASSIGNED_POD, pods, self._concerns),
            ClusterEvent(On.NODE, nodes, always),
            ClusterEvent(On.NAMESPACE, Action.ADD | Action.UPDATE, always),
            ClusterEvent(On.THIS_POD, Action.UPDATE_POD_LABEL, always),
        ]

    def _concerns(self, pod: Pending, happening: Happening) -> bool:
        """A pod it wants to be near came, or one that stood in its way went or changed."""
        for other in (happening.old, happening.new):
            if other is None:
                continue
            for term in (*pod.spec.affinity, *pod.spec.anti_affinity):
                if self.groups.term_selects(term, namespace_of(other), labels_of(other)):
                    return True
            repels, _ = self.cache.specs.of(other)
            if any(self._selects(term, pod) for term in repels.anti_affinity):
                return True
        return False


def _weighted(spec: PodSpec) -> list[tuple[int, PodTerm]]:
    avoided = [(-weight, term) for weight, term in spec.preferred_anti_affinity]
    return [*spec.preferred_affinity, *avoided]
