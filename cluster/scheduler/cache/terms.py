"""Selectors of nodes and of pods, compiled once.

Models k8s.io/component-helpers/scheduling/corev1 (nodeaffinity, helpers) and the AffinityTerm of
pkg/scheduler/framework/types.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster.machinery.meta import Object
from cluster.machinery.selectors import NOTHING, Requirement, Selector, from_label_selector

NAME_FIELD = "metadata.name"


@dataclass(frozen=True, slots=True)
class Toleration:
    key: str
    operator: str
    value: str
    effect: str

    def tolerates(self, taint: Taint) -> bool:
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or self.value == taint.value


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    value: str
    effect: str


def tolerations(raw: Iterable[Object] | None) -> tuple[Toleration, ...]:
    return tuple(
        Toleration(
            t.get("key", ""),
            t.get("operator") or "Equal",
            t.get("value", ""),
            t.get("effect") or "",
        )
        for t in raw or ()
    )


def taints(raw: Iterable[Object] | None) -> tuple[Taint, ...]:
    return tuple(Taint(t["key"], t.get("value", ""), t.get("effect", "")) for t in raw or ())


def tolerated(taint: Taint, by: Iterable[Toleration]) -> bool:
    return any(t.tolerates(taint) for t in by)


def first_untolerated(having: Iterable[Taint], by: tuple[Toleration, ...]) -> Taint | None:
    """The first taint that keeps new pods away and is not tolerated."""
    for taint in having:
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerated(taint, by):
            return taint
    return None


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """A NodeSelectorTerm: all of it must hold. Without any requirement it matches no node."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]
    pinned: bool = False  # its only field requirement is the node the pod is pinned to

    @property
    def empty(self) -> bool:
        return not self.labels and not self.fields and not self.pinned

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        if self.empty:
            return False
        return all(r.matches(labels) for r in self.labels) and all(
            r.matches({NAME_FIELD: name}) for r in self.fields
        )


@dataclass(frozen=True, slots=True)
class NodeSelector:
    """What a node must be for the pod: nodeSelector and required node affinity together."""

    labels: tuple[tuple[str, str], ...]
    terms: tuple[NodeTerm, ...] | None  # any of them; None: no affinity

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        if any(labels.get(key) != value for key, value in self.labels):
            return False
        return self.terms is None or any(t.matches(labels, name) for t in self.terms)

    def names(self) -> frozenset[str] | None:
        """The nodes its fields allow, whatever their labels; None when they allow all.

        Models NodeAffinity's PreFilter."""
        if not self.terms:
            return None
        allowed: frozenset[str] = frozenset()
        for term in self.terms:
            named = [r.values for r in term.fields if r.operator == "In"]
            if not named:
                return None
            allowed |= frozenset.intersection(*named)
        return allowed


NEVER = frozenset[str]()


def _requirements(raw: Iterable[Object] | None) -> tuple[Requirement, ...]:
    return tuple(_requirement(r) for r in raw or ())


def _requirement(raw: Object) -> Requirement:
    """One that does not parse holds nowhere, as upstream ignores the error."""
    values = frozenset(raw.get("values") or ())
    operator = raw["operator"]
    if operator in ("Gt", "Lt") and len(values) != 1:
        return Requirement(raw["key"], "In", NEVER)
    return Requirement(raw["key"], operator, values)


def node_term(raw: Object, pinned: bool = False) -> NodeTerm:
    fields = () if pinned else _requirements(raw.get("matchFields"))
    return NodeTerm(_requirements(raw.get("matchExpressions")), fields, pinned)


def node_terms(raw: Object | None, pinned: bool = False) -> tuple[NodeTerm, ...] | None:
    if raw is None:
        return None
    return tuple(node_term(t, pinned) for t in raw.get("nodeSelectorTerms") or ())


def preferred_node_terms(raw: Iterable[Object] | None) -> tuple[tuple[int, NodeTerm], ...]:
    out = []
    for entry in raw or ():
        term = node_term(entry.get("preference") or {})
        if entry.get("weight") and not term.empty:
            out.append((int(entry["weight"]), term))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class PodTerm:
    """A PodAffinityTerm: which pods, and over which topology."""

    namespaces: frozenset[str]
    namespace_selector: Selector
    selector: Selector
    topology_key: str

    def selects(
        self, namespace: str, labels: Mapping[str, str], namespace_labels: Mapping[str, str]
    ) -> bool:
        if namespace not in self.namespaces and not self.namespace_selector.matches(
            namespace_labels
        ):
            return False
        return self.selector.matches(labels)


def with_label_keys(
    selector: Selector, raw: Object, labels: Mapping[str, str], *, key: str = "matchLabelKeys"
) -> Selector:
    """`selector` narrowed (or with mismatchLabelKeys, turned away) by the pod's own labels."""
    operator = "NotIn" if key.startswith("mis") else "In"
    more = tuple(
        Requirement(k, operator, frozenset({labels[k]})) for k in raw.get(key) or () if k in labels
    )
    return Selector(selector.requirements + more, selector.nothing) if more else selector


def pod_term(raw: Object, namespace: str, labels: Mapping[str, str]) -> PodTerm:
    given = raw.get("namespaces") or ()
    chooser = raw.get("namespaceSelector")
    names = frozenset(given) if given or chooser is not None else frozenset({namespace})
    selector = from_label_selector(raw.get("labelSelector"))
    if raw.get("labelSelector") is not None:
        selector = with_label_keys(selector, raw, labels)
        selector = with_label_keys(selector, raw, labels, key="mismatchLabelKeys")
    spaces = from_label_selector(chooser) if chooser is not None else NOTHING
    return PodTerm(names, spaces, selector, raw["topologyKey"])
