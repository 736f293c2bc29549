"""The page's state on the server, and the frames that carry it: snapshot, then deltas.

Latest wins: for every row the state remembers at which revision it last changed, so what a
browser lacks since revision R is a walk over the newest rows, however slow it was. A frame is
encoded once for all browsers that stand at the same revision.
"""

from __future__ import annotations

from typing import Any

import orjson

from dashboard.projection.projector import COLUMNS, Changes, Id
from dashboard.projection.world import Row

GONE_KEPT = 20_000  # removed rows remembered; a browser further behind gets a snapshot


class State:
    """Owned by the event loop. `revision` 0 means: nothing is known yet."""

    def __init__(self) -> None:
        self.epoch = 0
        self.revision = 0
        self.floor = 0  # deltas can be made from this revision on
        self._rows: dict[Id, Row] = {}
        self._changed: dict[Id, int] = {}  # ordered: what changed last comes last
        self._gone: dict[Id, int] = {}
        self._frames: dict[int, bytes] = {}

    def apply(self, changes: Changes) -> bool:
        """Take over changed rows; True when the state moved."""
        if changes.epoch != self.epoch or changes.revision < self.revision:
            self._restart(changes)
        elif changes.revision == self.revision and not changes.rows:
            return False
        self.revision = changes.revision
        self._frames.clear()
        for each, row in changes.rows.items():
            self._set(each, row)
        self._forget()
        return True

    def _restart(self, changes: Changes) -> None:
        """Another history: rows stay, since `changes` is relative to them; deltas end here."""
        self.epoch, self.floor = changes.epoch, changes.revision
        self._changed = dict.fromkeys(self._rows, changes.revision)
        self._gone.clear()

    def _set(self, each: Id, row: Row | None) -> None:
        self._changed.pop(each, None)
        self._gone.pop(each, None)
        if row is None:
            self._rows.pop(each, None)
            self._gone[each] = self.revision
        else:
            self._rows[each] = row
            self._changed[each] = self.revision

    def _forget(self) -> None:
        while len(self._gone) > GONE_KEPT:
            oldest = next(iter(self._gone))
            self.floor = max(self.floor, self._gone.pop(oldest))

    # ---- frames

    def frame(self, epoch: int, revision: int) -> bytes:
        """What a browser at `revision` needs to be at the state's revision."""
        known = epoch == self.epoch and self.floor <= revision <= self.revision and revision > 0
        key = revision if known else -1
        found = self._frames.get(key)
        if found is None:
            content = self._delta(revision) if known else self._snapshot()
            found = self._frames[key] = orjson.dumps(content)
        return found

    def _snapshot(self) -> dict[str, Any]:
        rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
        for (table, key), row in self._rows.items():
            rows[table].append([key, *row])
        return {
            "type": "snapshot",
            "epoch": self.epoch,
            "revision": self.revision,
            "columns": COLUMNS,
            "rows": rows,
        }

    def _delta(self, since: int) -> dict[str, Any]:
        rows: dict[str, list[Row]] = {}
        for each, at in reversed(self._changed.items()):
            if at <= since:
                break
            rows.setdefault(each[0], []).append([each[1], *self._rows[each]])
        gone: dict[str, list[str]] = {}
        for (table, key), at in reversed(self._gone.items()):
            if at <= since:
                break
            gone.setdefault(table, []).append(key)
        return {
            "type": "delta",
            "from": since,
            "revision": self.revision,
            "rows": rows,
            "gone": gone,
        }
