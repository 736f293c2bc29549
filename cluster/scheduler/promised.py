"""What is against a node when the pods it is promised to are counted in.

Asked again only for nodes that changed; the answers are small numbers in a column, so that
thousands of promises cost no more than a few. Models runFilterPluginsWithNominatedPods.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cluster.scheduler.cache import NodeTable
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.framework import CycleState, FilterPlugin, Pending, Rejection, Scope
from cluster.scheduler.nominator import Nominator

# (plugin, reason, whether preemption would be in vain), of one node
Verdict = tuple[tuple[str, str, bool], ...]


class PromisedColumn:
    """Answers for one PodSpec. `kind` numbers the verdicts; 0 is nothing against the node."""

    def __init__(self) -> None:
        self.revision: Ints = np.zeros(0, np.int64)
        self.kind: Ints = np.zeros(0, np.int64)
        self.verdicts: list[Verdict] = [()]

    def resize(self, size: int) -> None:
        if len(self.kind) != size:
            self.revision = np.full(size, -1, np.int64)
            self.kind = np.zeros(size, np.int64)

    def number(self, verdict: Verdict) -> int:
        if verdict not in self.verdicts:
            self.verdicts.append(verdict)
        return self.verdicts.index(verdict)


class Promised:
    """The question for one attempt of one pod; `asked` are the filters that concern it."""

    def __init__(
        self,
        nodes: NodeTable,
        nominator: Nominator,
        column: PromisedColumn,
        node_fits: Bools,
        asked: list[FilterPlugin],
        state: CycleState,
        pod: Pending,
    ) -> None:
        self._nodes = nodes
        self._nominator = nominator
        self._asked = asked
        self._by_pods = [p for p in asked if p.scope is not Scope.NODE]
        self._node_fits = node_fits
        self._state = state
        self._pod = pod
        # What depends on other nodes too cannot be remembered.
        local = all(p.scope is not Scope.CLUSTER for p in asked)
        self._column = column if local else PromisedColumn()
        self._column.resize(nodes.size)
        self.own = nominator.own_slot(pod)

    def fits(self, slot: int) -> bool:
        return not self._ask(slot)

    def against(self, among: Bools) -> tuple[Ints, Ints]:
        """The promised nodes in `among` that reject the pod, and the numbers of their verdicts."""
        slots = self._nominator.slots()
        slots = slots[among[slots]]
        column, revision = self._column, self._nodes.revision
        stale = column.revision[slots] != revision[slots]
        for slot in slots[stale | (slots == self.own)].tolist():
            column.kind[slot] = column.number(self._ask(slot))
            # The pod's own promise is left out: true for this pod alone.
            column.revision[slot] = -1 if slot == self.own else revision[slot]
        slots = slots[column.kind[slots] > 0]
        return slots, column.kind[slots]

    def counted(self, kinds: Ints) -> Iterator[tuple[Verdict, int]]:
        """Verdicts and how many nodes have them."""
        for kind, count in enumerate(np.bincount(kinds).tolist()):
            if count:
                yield self._column.verdicts[kind], count

    def unresolvable(self, slots: Ints, kinds: Ints) -> Ints:
        """The slots whose verdict no preemption can change."""
        hopeless = [any(u for _, _, u in verdict) for verdict in self._column.verdicts]
        return slots[np.array(hopeless, np.bool_)[kinds]]

    def _ask(self, slot: int) -> Verdict:
        promised = self._nominator.at(self._pod, slot)
        if not promised:
            return ()
        # What the Node object says is known from the pod's row.
        asked = self._by_pods if self._node_fits.item(slot) else self._asked
        with self._nominator.counted_in(promised):
            found = first_rejection(asked, self._state, self._pod, slot)
        return tuple((plugin, r.reason, r.unresolvable) for plugin, r in found)


def first_rejection(
    plugins: list[FilterPlugin], state: CycleState, pod: Pending, slot: int
) -> list[tuple[str, Rejection]]:
    """What the first filter that is against a node says."""
    at = np.array([slot])
    for plugin in plugins:
        if plugin.scope is Scope.LOCAL and plugin.fits_at(pod, slot):
            continue
        found = [(plugin.name, r) for r in plugin.filter(state, pod, at) if r.nodes[0]]
        if found:
            return found
    return []
