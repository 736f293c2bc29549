"""The whole answer to "why there, why not?": every node, every filter's reason, every score.

Computed when somebody asks, by asking all plugins about all nodes once more; it draws no lot and
changes nothing. What an attempt keeps by itself is in `decisions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cluster.machinery.quantity import format_binary, format_decimal, format_milli
from cluster.scheduler.cache import NodeTable
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.cache.resources import CPU, MEMORY, STORAGE
from cluster.scheduler.diagnose import named
from cluster.scheduler.framework import CycleState, Pending, ScorePlugin
from cluster.scheduler.profile import Profile

ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Score:
    raw: int
    normalized: int
    weighted: int


@dataclass(slots=True)
class NodeView:
    """A node as the scheduler sees it for one pod. `against` has reasons by plugin, of all that
    are against it; `scores` only a feasible node has. `missing` is what it has too little of,
    `shortage` the largest share of a request that is missing."""

    name: str
    against: dict[str, list[str]] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    shortage: float = 0.0

    @property
    def feasible(self) -> bool:
        return not self.against

    @property
    def total(self) -> int:
        return sum(score.weighted for score in self.scores.values())


@dataclass(slots=True)
class Explanation:
    """Nodes in the order of the node table. `refused`: a PreFilter said no to all of them."""

    nodes: list[NodeView]
    refused: str = ""

    @property
    def ranking(self) -> list[NodeView]:
        """The feasible nodes, the best first."""
        feasible = [n for n in self.nodes if n.feasible]
        return sorted(feasible, key=lambda n: (-n.total, n.name))

    @property
    def nearest_miss(self) -> NodeView | None:
        """The node that only lacks resources, and has the smallest shortage."""
        lacking = [n for n in self.nodes if n.missing and set(n.against) == {"NodeResourcesFit"}]
        return min(lacking, key=lambda n: n.shortage, default=None)

    def sentence(self) -> str:
        """One sentence for whoever asks why."""
        if self.refused:
            return f"No node comes into question: {self.refused}."
        ranking = self.ranking
        if len(ranking) > 1:
            margin = ranking[0].total - ranking[1].total
            how = f"wins by {margin} over" if margin else "is as good as"
            return f"{ranking[0].name} {how} {ranking[1].name}{self._others()}."
        if ranking:
            return f"Only {ranking[0].name} is feasible{self._others()}."
        miss = self.nearest_miss
        if miss is not None:
            wanted = ", ".join(f"{shown_amount(r, a)} more {r}" for r, a in miss.missing.items())
            return f"It would fit {miss.name} with {wanted}{self._others()}."
        return f"It fits nowhere{self._others()}."

    def _others(self) -> str:
        out = [n for n in self.nodes if not n.feasible]
        if not out:
            return ""
        first = next(iter(out[0].against.values()))[0].removeprefix("node(s) ")
        more = f" and {len(out) - 1} more" if len(out) > 1 else ""
        return f"; {out[0].name} is out ({first}){more}"


def shown_amount(resource: str, amount: int) -> str:
    if resource == CPU:
        return format_milli(amount)
    return format_binary(amount) if resource in (MEMORY, STORAGE) else format_decimal(amount)


def explain(profile: Profile, pod: Pending) -> Explanation:
    nodes = profile.nodes
    nodes.trim()
    state = CycleState()
    for plugin in profile.pre_filters:
        status = plugin.pre_filter(state, pod) if plugin.filters(pod) else None
        if status is not None:
            return Explanation([], status.message)
    views = {int(slot): NodeView(nodes.names[slot]) for slot in np.flatnonzero(nodes.valid)}
    _filter(profile, state, pod, views)
    feasible: Bools = np.zeros(nodes.size, np.bool_)
    feasible[[slot for slot, view in views.items() if view.feasible]] = True
    if feasible.any():
        _score(profile, state, pod, feasible, views)
    return Explanation(list(views.values()))


def _filter(profile: Profile, state: CycleState, pod: Pending, views: dict[int, NodeView]) -> None:
    nodes = profile.nodes
    if state.only is not None:
        allowed = named(nodes, state.only)
        for slot, view in views.items():
            if not allowed[slot]:
                view.against[state.only_by[0]] = ["is not the node that the pod is meant for"]
    for plugin in profile.filters:
        if not plugin.filters(pod):
            continue
        for rejection in plugin.filter(state, pod, ALL):
            for slot in np.flatnonzero(rejection.nodes & nodes.valid).tolist():
                reasons = views[slot].against.setdefault(plugin.name, [])
                if rejection.reason not in reasons:
                    reasons.append(rejection.reason)
    for slot, view in views.items():
        if "NodeResourcesFit" in view.against:
            view.missing = _missing(nodes, pod, slot)
            shares = [lack / pod.spec.requests[r] for r, lack in view.missing.items()]
            view.shortage = max(shares, default=1.0)


def _missing(nodes: NodeTable, pod: Pending, slot: int) -> dict[str, int]:
    """How much more of each resource the node would need to have free."""
    out = {}
    for resource, amount in pod.spec.requests.items():
        have = nodes.allocatable.get(resource)
        free = 0 if have is None else int(have[slot] - nodes.requested[resource][slot])
        if amount > free:
            out[resource] = amount - free
    return out


def _score(
    profile: Profile, state: CycleState, pod: Pending, feasible: Bools, views: dict[int, NodeView]
) -> None:
    for scorer in profile.scorers:
        raw, normalized = _column(scorer.plugin, state, pod, feasible)
        for slot in np.flatnonzero(feasible).tolist():
            score = normalized.item(slot)
            views[slot].scores[scorer.plugin.name] = Score(
                raw.item(slot), score, score * scorer.weight
            )


def _column(
    plugin: ScorePlugin, state: CycleState, pod: Pending, feasible: Bools
) -> tuple[Ints, Ints]:
    """(raw, normalised) scores; zeros from a plugin to which all nodes are alike."""
    if not plugin.scores(pod):
        nothing: Ints = np.zeros(len(feasible), np.int64)
        return nothing, nothing
    plugin.pre_score(state, pod, feasible)
    raw = plugin.score(state, pod, ALL)
    return raw, plugin.normalize(state, raw, feasible) if plugin.normalizes else raw
