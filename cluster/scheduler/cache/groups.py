"""Existing pods by namespace and labels, and how many of them a query selects on each node.

Pods with equal labels are one Group, so a query is asked once per group, not once per pod. Terms
of pods' own affinity are tallied too: the other half of inter-pod affinity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cluster.machinery.selectors import Selector
from cluster.scheduler.cache.spec import PodSpec
from cluster.scheduler.cache.tally import Tally
from cluster.scheduler.cache.terms import PodTerm

MAX_QUERIES = 1024
Labels = tuple[tuple[str, str], ...]
NamespaceLabels = Callable[[str], Mapping[str, str]]
TermKind = Literal["affinity", "anti_affinity", "preferred", "avoided"]


@dataclass(frozen=True, slots=True)
class PodQuery:
    """Pods that all of `terms` select; `live` leaves out those that are being deleted."""

    terms: tuple[PodTerm, ...]
    live: bool = False


def in_namespace(namespace: str, selector: Selector) -> PodQuery:
    """Live pods of one namespace, as topology spread counts them."""
    term = PodTerm(frozenset({namespace}), Selector(nothing=True), selector, "")
    return PodQuery((term,), live=True)


class Group:
    __slots__ = ("key", "labels", "namespace", "slots", "tallies", "terminating")

    def __init__(self, namespace: str, labels: Labels, terminating: bool) -> None:
        self.key = (namespace, labels, terminating)
        self.namespace = namespace
        self.labels = dict(labels)
        self.terminating = terminating
        self.slots: dict[int, int] = {}
        self.tallies: list[Tally] = []


class PodGroups:
    def __init__(self, namespace_labels: NamespaceLabels) -> None:
        self._namespace_labels = namespace_labels
        self._groups: dict[tuple[str, Labels, bool], Group] = {}
        self._queries: dict[PodQuery, Tally] = {}
        self._terms: dict[tuple[TermKind, int, PodTerm], Tally] = {}
        self._uses = 0
        self.terms_version = 0  # of which terms there are, not of their counts

    # ---- changes

    def change(
        self, key: tuple[str, Labels, bool], slot: int, sign: int
    ) -> tuple[str, Labels, bool]:
        """Count a pod in or out; returns the key that all pods of the group may share."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(*key)
            group.tallies = [t for q, t in self._queries.items() if self.selects(q, group)]
        count = group.slots.get(slot, 0) + sign
        if count:
            group.slots[slot] = count
        else:
            del group.slots[slot]
            if not group.slots:
                del self._groups[key]
        for tally in group.tallies:
            tally.change(slot, sign)
        return group.key

    def change_terms(self, spec: PodSpec, slot: int, sign: int) -> None:
        for kind, weight, term in _terms_of(spec):
            tally = self._terms.get((kind, weight, term))
            if tally is None:
                tally = self._terms[kind, weight, term] = Tally(slot + 1)
                self.terms_version += 1
            tally.change(slot, sign)
            if not tally.total:
                del self._terms[kind, weight, term]
                self.terms_version += 1

    def namespaces_changed(self) -> None:
        """A namespace's labels changed: queries that look at them are counted anew."""
        self.terms_version += 1
        for query, tally in self._queries.items():
            if all(term.namespace_selector.nothing for term in query.terms):
                continue
            tally.restart()
            for group in self._groups.values():
                self._recount(query, tally, group)

    def _recount(self, query: PodQuery, tally: Tally, group: Group) -> None:
        if tally in group.tallies:
            group.tallies.remove(tally)
        if self.selects(query, group):
            group.tallies.append(tally)
            for slot, count in group.slots.items():
                tally.change(slot, count)

    # ---- reading

    def tally(self, query: PodQuery) -> Tally:
        """How many existing pods `query` selects, per node; kept current as long as it is alive,
        which is until nobody has used it for long."""
        found = self._queries.get(query)
        if found is None:
            if len(self._queries) >= MAX_QUERIES:
                self._drop_unused()
            found = self._queries[query] = Tally(0)
            for group in self._groups.values():
                self._recount(query, found, group)
        self.use(found)
        return found

    def use(self, tally: Tally) -> None:
        self._uses += 1
        tally.used = self._uses

    def _drop_unused(self) -> None:
        """The half that was not used for longest."""
        oldest = sorted(self._queries.items(), key=lambda item: item[1].used)
        for query, tally in oldest[: len(oldest) // 2]:
            tally.alive = False
            del self._queries[query]
        for group in self._groups.values():
            group.tallies = [t for t in group.tallies if t.alive]

    def terms(self, kind: TermKind) -> Iterator[tuple[int, PodTerm, Tally]]:
        """(weight, term, where the pods are that have it) of existing pods."""
        for (of_kind, weight, term), tally in self._terms.items():
            if of_kind == kind:
                yield weight, term, tally

    @property
    def any_terms(self) -> bool:
        return bool(self._terms)

    def selects(self, query: PodQuery, group: Group) -> bool:
        if query.live and group.terminating:
            return False
        return bool(query.terms) and all(
            self.term_selects(t, group.namespace, group.labels) for t in query.terms
        )

    def term_selects(self, term: PodTerm, namespace: str, labels: Mapping[str, str]) -> bool:
        spaces: Mapping[str, str] = {}
        if not term.namespace_selector.nothing:
            spaces = self._namespace_labels(namespace)
        return term.selects(namespace, labels, spaces)


def _terms_of(spec: PodSpec) -> Iterator[tuple[TermKind, int, PodTerm]]:
    for term in spec.affinity:
        yield "affinity", 0, term
    for term in spec.anti_affinity:
        yield "anti_affinity", 0, term
    for weight, term in spec.preferred_affinity:
        yield "preferred", weight, term
    for weight, term in spec.preferred_anti_affinity:
        yield "avoided", weight, term
