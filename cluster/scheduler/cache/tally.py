"""Counts of pods per node that are kept current, and their sums per topology domain.

A Tally is a column of counts with a log of its changes. `by_domain` sums it over the values of a
node label (zones, racks, hosts); the sums catch up with the log instead of being summed anew.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from cluster.scheduler.cache.changes import ChangeLog
from cluster.scheduler.cache.columns import Bools, Ints, resized
from cluster.scheduler.cache.nodes import NodeTable


class _Sums:
    """One tally over one label. `over` restricts it to some nodes."""

    __slots__ = ("over", "position", "sums", "topology")

    def __init__(self) -> None:
        self.topology = -1
        self.position = 0
        self.sums: Ints = np.zeros(0, dtype=np.int64)
        self.over: Bools | None = None


class Tally:
    """`alive` while it is kept current; `used` says when it was last asked for."""

    def __init__(self, size: int) -> None:
        self.alive = True
        self.used = 0
        self.counts: Ints = np.zeros(size, dtype=np.int64)
        self.total = 0
        self.log: ChangeLog[tuple[int, int]] = ChangeLog(2048)
        self._sums: dict[tuple[str, object], _Sums] = {}

    def change(self, slot: int, delta: int) -> None:
        if slot >= len(self.counts):
            self.counts = cast(Ints, resized(self.counts, max(64, 2 * slot)))
        self.counts[slot] += delta
        self.total += delta
        self.log.append((slot, delta))

    def restart(self) -> None:
        """Forget all counts; they are about to be counted anew."""
        self.counts[:] = 0
        self.total = 0
        self.log.break_off()

    def at(self, table: NodeTable) -> Ints:
        """The counts, one for every slot of the table."""
        if len(self.counts) != table.size:
            self.counts = cast(Ints, resized(self.counts, table.size))
        return self.counts

    def by_domain(
        self, table: NodeTable, key: str, over: Bools | None = None, token: object = None
    ) -> Ints:
        """Sums by the number of the label's value in its column; [0] are nodes without it.

        `token` names the restriction `over`: for one token it may only change when the table's
        topology does.
        """
        view = self._sums.get((key, token))
        if view is None:
            view = self._sums[key, token] = _Sums()
        changes = self.log.since(view.position)
        if view.topology != table.topology_version or changes is None:
            self._sum(view, table, key, over)
        elif changes:
            ids = table.label_column(key).ids
            for slot, delta in changes:
                if view.over is None or view.over[slot]:
                    view.sums[ids[slot]] += delta
        view.position = self.log.position
        return view.sums

    def _sum(self, view: _Sums, table: NodeTable, key: str, over: Bools | None) -> None:
        column = table.label_column(key)
        counts, ids = self.at(table), column.ids
        if over is not None:
            counts, ids = counts[over], ids[over]
        sums = np.bincount(ids, weights=counts, minlength=len(column.values))
        view.sums = sums.astype(np.int64)
        view.topology = table.topology_version
        view.over = over
