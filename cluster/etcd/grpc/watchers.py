"""Who watches what, and the one reader of the log that serves all of them.

A watcher that starts in the past reads the log by itself until it has reached the hub's position;
then it joins. Everything that touches watchers runs in the event loop; the log is read in threads.
Models server/storage/mvcc/watchable_store.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import Error as DatabaseError

from cluster.etcd.api import CompactedError, Event, KeyValue
from cluster.etcd.grpc.face import Face

log = logging.getLogger(__name__)
BATCH = 1000  # changes read at a time
PAUSE_AFTER_ERROR = 1.0


@dataclass(frozen=True, slots=True)
class Happened:
    """An event with what was there before it, if anybody wants to know."""

    event: Event
    previous: KeyValue | None = None


Deliver = Callable[[list[Happened], int], None]  # events (perhaps none), the revision reached


@dataclass(eq=False, slots=True)
class Watcher:
    """`position`: everything up to this revision was delivered."""

    start: bytes
    end: bytes
    position: int
    previous: bool
    deliver: Deliver
    compacted: Callable[[int], None]

    def wants(self, key: bytes) -> bool:
        return self.start <= key < self.end


class Hub:
    def __init__(self, face: Face) -> None:
        self._face = face
        self.position = 0
        self._synced: dict[Watcher, None] = {}
        self._catching_up: dict[Watcher, asyncio.Task[None]] = {}
        self._heard = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())
        self.on_pass: dict[Callable[[], None], None] = {}

    def heard(self) -> None:
        """There may be new revisions. From any thread."""
        self._loop.call_soon_threadsafe(self._heard.set)

    def add(self, watcher: Watcher) -> None:
        if watcher.position == self.position and self.position:
            self._synced[watcher] = None
            self._heard.set()  # without watchers nobody kept the position up to date
        else:
            task = self._loop.create_task(self._catch_up(watcher))
            self._catching_up[watcher] = task

    def remove(self, watcher: Watcher) -> None:
        self._synced.pop(watcher, None)
        task = self._catching_up.pop(watcher, None)
        if task is not None:
            task.cancel()

    def is_synced(self, watcher: Watcher) -> bool:
        return watcher in self._synced

    def close(self) -> None:
        self._task.cancel()
        for task in self._catching_up.values():
            task.cancel()

    # ---- those at the newest revision

    async def _run(self) -> None:
        self._heard.set()
        while True:
            await self._heard.wait()
            self._heard.clear()
            try:
                if not self.position:
                    self.position = await self._face.read(self._face.store.revision)
                await self._advance()
            except CompactedError as error:
                await self._all_compacted(error.compacted)
            except DatabaseError as error:
                log.warning("cannot read the log: %s", error)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                self._heard.set()

    async def _advance(self) -> None:
        if not self._synced and self.on_pass:  # somebody may ask where we are
            self.position = await self._face.read(self._face.store.revision)
        while self._synced:
            previous = any(w.previous for w in self._synced)
            read = lambda p=previous: self._read(self.position, b"", b"", p)  # noqa: E731
            found, reached = await self._face.read(read)
            if reached == self.position:
                break
            self.position = reached
            self._deliver(found)
        for call in list(self.on_pass):
            call()

    def _deliver(self, found: Sequence[Happened]) -> None:
        for watcher in list(self._synced):
            mine = [
                h
                for h in found
                if watcher.wants(h.event.key) and h.event.revision > watcher.position
            ]
            watcher.position = max(watcher.position, self.position)
            if mine:
                watcher.deliver(mine, self.position)

    async def _all_compacted(self, compacted: int) -> None:
        """We were too slow, or the cluster was restored: all start over."""
        watchers = list(self._synced)
        self._synced.clear()
        self.position = await self._face.read(self._face.store.revision)
        for watcher in watchers:
            watcher.compacted(compacted)

    # ---- those that start in the past

    async def _catch_up(self, watcher: Watcher) -> None:
        try:
            while True:
                if watcher.position == self.position and self.position:
                    self._synced[watcher] = None
                    break
                read = lambda: self._read_for(watcher)  # noqa: E731
                found, reached = await self._face.read(read)
                watcher.position = max(watcher.position, reached)
                if found:
                    watcher.deliver(list(found), watcher.position)
                if watcher.position > self.position:
                    if not self._synced:
                        self.position = watcher.position
                    self._synced[watcher] = None
                    self._heard.set()  # the hub comes after; it skips what was delivered
                    break
        except CompactedError as error:
            watcher.compacted(error.compacted)
        except DatabaseError as error:
            log.warning("cannot read the log: %s", error)
            watcher.compacted(0)
        finally:
            self._catching_up.pop(watcher, None)
        for call in list(self.on_pass):
            call()

    # ---- in a reader thread

    def _read_for(self, watcher: Watcher) -> tuple[list[Happened], int]:
        store = self._face.store
        compacted = store.compacted()
        if watcher.position != compacted - 1:
            return self._read(watcher.position, watcher.start, watcher.end, watcher.previous)
        # The compacted revision itself may be asked for; what survived of it is a current value.
        kvs = store.range(watcher.start, watcher.end, revision=compacted).kvs
        kept = [kv for kv in kvs if kv.mod_revision == compacted]
        events = [
            Event(kv.mod_revision, 0, kv.key, kv.value, kv.create_revision, kv.version, kv.lease)
            for kv in kept
        ]
        return [Happened(e) for e in events], compacted

    def _read(
        self, after: int, start: bytes, end: bytes, previous: bool
    ) -> tuple[list[Happened], int]:
        """Some of what happened after a revision, and the revision up to which that is all."""
        store = self._face.store
        latest = store.revision()
        if latest <= after:
            if store.compacted() > after:
                raise CompactedError(store.compacted())
            return [], after
        events = store.events(after, limit=BATCH, start=start, end=end)
        if len(events) < BATCH:
            reached = max([latest, *(e.revision for e in events[-1:])])
        else:
            reached = events[-1].revision
        if not previous:
            return [Happened(e) for e in events], reached
        return [Happened(e, self._before(e)) for e in events], reached

    def _before(self, event: Event) -> KeyValue | None:
        if not event.previous_revision:
            return None
        try:
            return self._face.store.get(event.key, event.previous_revision)
        except CompactedError:
            return None
