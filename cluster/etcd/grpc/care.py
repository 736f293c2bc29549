"""What etcd does by itself: forget old history, and stop writing before the disk is full.

Models server/etcdserver/api/v3compactor and server/storage/quota.go.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from dataclasses import dataclass
from functools import partial

from django.db import Error as DatabaseError

from cluster.etcd.alarms import NOSPACE
from cluster.etcd.api import CompactedError
from cluster.etcd.archive import Archive
from cluster.etcd.grpc.face import Face

log = logging.getLogger(__name__)
EVERY = 5.0  # seconds outside the cluster
STEP = 500  # revisions forgotten in one transaction, so that no writer waits for long
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Retention:
    """How much history is kept: this many revisions, or seconds of cluster time; 0: no limit."""

    revisions: int = 100_000
    seconds: float = 0

    @classmethod
    def parse(cls, text: str) -> Retention:
        """`100000`, `24h`, `100000,24h`, or `0` for everything. Raises ValueError."""
        revisions, seconds = 0, 0.0
        for part in text.replace(" ", "").split(","):
            match = re.fullmatch(r"(\d+)([smhd]?)", part)
            if match is None:
                raise ValueError(
                    f"{part!r} is neither a number of revisions nor a time such as 24h"
                )
            if match[2]:
                seconds = float(match[1]) * UNITS[match[2]]
            else:
                revisions = int(match[1])
        return cls(revisions, seconds)


class Compactor:
    """Asked now and then; remembers when which revision was the newest, since it started."""

    def __init__(self, store: Archive, retention: Retention) -> None:
        self._store = store
        self._retention = retention
        self._seen: deque[tuple[float, int]] = deque()

    def target(self, now: float) -> int:
        """The revision up to which to forget."""
        revision = self._store.revision()
        found = 0
        if self._retention.revisions:
            found = revision - self._retention.revisions
        if self._retention.seconds:
            self._seen.append((now, revision))
            while self._seen and self._seen[0][0] <= now - self._retention.seconds:
                found = max(found, self._seen.popleft()[1])
        return found

    def step(self, target: int) -> bool:
        """Forget some; False when there is nothing to forget."""
        compacted = self._store.compacted()
        if target <= compacted:
            return False
        try:
            self._store.compact(min(target, compacted + STEP))
        except CompactedError:
            return False  # somebody else was first
        return True


def over_quota(store: Archive, quota: int, more: int = 0) -> bool:
    """Raise the alarm when there is no room for `more` bytes."""
    if not quota or store.size().total + more < quota:
        return False
    raised = store.alarms()
    if not raised & NOSPACE:
        store.set_alarms(raised | NOSPACE)
    return True


async def take_care(face: Face, retention: Retention) -> None:
    """For ever."""
    compactor = Compactor(face.store, retention)
    while True:
        try:
            target = await face.read(partial(compactor.target, face.clock.now()))
            while await face.write(partial(compactor.step, target)):
                await asyncio.sleep(0)
            face.size = (await face.read(face.store.size)).total
            await face.write(partial(over_quota, face.store, face.quota))
        except DatabaseError as error:
            log.warning("cannot look after the database: %s", error)
        await asyncio.sleep(EVERY)
