"""What was decided lately, and why: the last attempts, kept small.

The whole matrix of nodes and plugins is not kept; it can be computed again from the revision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cluster.scheduler.cache import NodeTable
from cluster.scheduler.cache.columns import Ints
from cluster.scheduler.profile import Choice
from cluster.scheduler.row import INFEASIBLE

KEPT = 10_000
BEST = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """`node` is empty when the pod fitted nowhere; then `reasons` count nodes. `best` has the
    scores of the first few, the winner first; empty when only one node was feasible."""

    pod: str
    uid: str
    attempt: int
    time: float
    revision: int
    node: str
    message: str = ""
    reasons: Mapping[str, int] = field(default_factory=dict)
    best: tuple[tuple[str, int], ...] = ()
    equals: int = 1  # how many nodes had the winner's score
    nominated: str = ""


class Decisions:
    def __init__(self, kept: int = KEPT) -> None:
        self._ring: deque[Decision] = deque(maxlen=kept)

    def add(self, decision: Decision) -> None:
        self._ring.append(decision)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._ring)

    def __len__(self) -> int:
        return len(self._ring)

    def of(self, pod: str) -> list[Decision]:
        """A pod's attempts by `namespace/name`, oldest first."""
        return [d for d in self._ring if d.pod == pod]


def _next_best(totals: Ints, better: Ints, wanted: int) -> list[int]:
    """The slots below the best ones, score by score."""
    left = totals.copy()
    left[better] = INFEASIBLE
    out: list[int] = []
    while len(out) < wanted:
        top = left.max()
        if top < 0:
            break
        level = (left == top).nonzero()[0]
        out += level[: wanted - len(out)].tolist()
        left[level] = INFEASIBLE
    return out


def best_of(nodes: NodeTable, choice: Choice) -> tuple[tuple[str, int], ...]:
    """The winner and the next few with their scores."""
    totals, ties = choice.totals, choice.ties
    if totals is None or ties is None:
        return ()
    score = totals.item(choice.slot)
    others = [s for s in ties[:BEST].tolist() if s != choice.slot]
    if len(ties) < BEST:
        others += _next_best(totals, ties, BEST - len(ties))
    names = nodes.names
    rest = [(names[s], totals.item(s)) for s in others[: BEST - 1]]
    return ((names[choice.slot], score), *rest)
