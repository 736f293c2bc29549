"""etcdserverpb.Watch: many watchers on one stream. Models server/etcdserver/api/v3rpc/watch.go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from grpc import aio

from cluster.etcd.grpc.checks import MAX_REQUEST
from cluster.etcd.grpc.face import Face
from cluster.etcd.grpc.ops import INFINITY, bounds, message
from cluster.etcd.grpc.protos import mvccpb, pb
from cluster.etcd.grpc.watchers import Happened, Hub, Watcher

NO_WATCH = -1
PROGRESS_INTERVAL = 600.0  # seconds outside the cluster, as --experimental-watch-progress-notify's
DUPLICATE = "mvcc: duplicate watch ID provided on the WatchStream"
EMPTY_RANGE = "mvcc: watcher range is empty"
Message = Any


class Watch:
    def __init__(self, face: Face, hub: Hub, progress: float = PROGRESS_INTERVAL) -> None:
        self._face = face
        self._hub = hub
        self._progress = progress

    async def Watch(self, requests: Any, context: Any) -> AsyncIterator[Message]:
        stream = Stream(self._face, self._hub, self._progress)
        reading = asyncio.create_task(stream.take(requests))
        try:
            while True:
                yield await stream.out.get()
        finally:
            reading.cancel()
            stream.close()


class Stream:
    """One client's stream; `out` is what it is to get, in order."""

    def __init__(self, face: Face, hub: Hub, progress: float) -> None:
        self._face = face
        self._hub = hub
        self._progress_interval = progress
        self.out: asyncio.Queue[Message] = asyncio.Queue()
        self._watchers: dict[int, Watcher] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._next = 0
        self._asked = 0  # requests for progress that wait for all watchers to be there
        hub.on_pass[self._report] = None

    async def take(self, requests: Any) -> None:
        """A client that says no more still listens."""
        with suppress(aio.AioRpcError, aio.UsageError):
            async for request in requests:
                kind = request.WhichOneof("request_union")
                if kind == "create_request":
                    await self._create(request.create_request)
                elif kind == "cancel_request":
                    self._cancel(request.cancel_request.watch_id)
                elif kind == "progress_request":
                    self._asked += 1
                    self._hub.heard()

    def close(self) -> None:
        self._hub.on_pass.pop(self._report, None)
        for watcher in self._watchers.values():
            self._hub.remove(watcher)
        for timer in self._timers.values():
            timer.cancel()

    # ---- creating

    async def _create(self, request: Message) -> None:
        revision = max(self._hub.position, await self._face.read(self._face.store.revision))
        start, end = _span(request)
        problem = EMPTY_RANGE if start >= end else ""
        watch_id = NO_WATCH if problem else self._choose_id(request.watch_id)
        if watch_id == NO_WATCH:
            problem = problem or DUPLICATE
        header = self._face.header(revision)
        created = pb.WatchResponse(header=header, watch_id=watch_id, created=True)
        if problem:
            created.canceled, created.cancel_reason = True, problem
            self.out.put_nowait(created)
            return
        self.out.put_nowait(created)
        position = min(revision, request.start_revision - 1) if request.start_revision else revision
        out = _Deliveries(self, watch_id, request)
        watcher = Watcher(start, end, position, request.prev_kv, out.deliver, out.compacted)
        self._watchers[watch_id] = watcher
        if request.progress_notify:
            self._arm(watch_id)
        self._hub.add(watcher)

    def _choose_id(self, wanted: int) -> int:
        if wanted:
            return NO_WATCH if wanted in self._watchers else wanted
        while self._next in self._watchers:
            self._next += 1
        self._next += 1
        return self._next - 1

    # ---- ending

    def _cancel(self, watch_id: int) -> None:
        if self.forget(watch_id):
            header = self._face.header(self._hub.position)
            self.out.put_nowait(pb.WatchResponse(header=header, watch_id=watch_id, canceled=True))

    def forget(self, watch_id: int) -> bool:
        watcher = self._watchers.pop(watch_id, None)
        if watcher is None:
            return False
        self._hub.remove(watcher)
        timer = self._timers.pop(watch_id, None)
        if timer is not None:
            timer.cancel()
        return True

    # ---- saying where we are

    def _arm(self, watch_id: int) -> None:
        loop = asyncio.get_running_loop()
        self._timers[watch_id] = loop.call_later(self._progress_interval, self._tick, watch_id)

    def _tick(self, watch_id: int) -> None:
        if self._hub.is_synced(self._watchers[watch_id]):
            header = self._face.header(self._hub.position)
            self.out.put_nowait(pb.WatchResponse(header=header, watch_id=watch_id))
        self._arm(watch_id)

    def delivered(self, watch_id: int) -> None:
        """Events say where we are, too."""
        timer = self._timers.pop(watch_id, None)
        if timer is not None:
            timer.cancel()
            self._arm(watch_id)

    def _report(self) -> None:
        """Answer requests for progress once nothing older can come any more."""
        if not self._asked or not all(map(self._hub.is_synced, self._watchers.values())):
            return
        for _ in range(self._asked):
            header = self._face.header(self._hub.position)
            self.out.put_nowait(pb.WatchResponse(header=header, watch_id=NO_WATCH))
        self._asked = 0

    def send(self, response: Message, revision: int) -> None:
        response.header.CopyFrom(self._face.header(revision))
        self.out.put_nowait(response)


class _Deliveries:
    """From what happened to one watcher's responses."""

    def __init__(self, stream: Stream, watch_id: int, request: Message) -> None:
        self._stream = stream
        self._id = watch_id
        self._fragment = request.fragment
        self._previous = request.prev_kv
        self._first = request.start_revision  # it may lie in the future
        unwanted = request.filters
        self._puts = pb.WatchCreateRequest.NOPUT not in unwanted
        self._deletes = pb.WatchCreateRequest.NODELETE not in unwanted

    def deliver(self, found: list[Happened], revision: int) -> None:
        events = [
            self._event(h)
            for h in found
            if (self._deletes if h.event.value is None else self._puts)
            and h.event.revision >= self._first
        ]
        if not events:
            return
        parts = _fragments(events) if self._fragment else [events]
        for at, part in enumerate(parts, 1):
            response = pb.WatchResponse(watch_id=self._id, events=part, fragment=at < len(parts))
            self._stream.send(response, revision)
        self._stream.delivered(self._id)

    def _event(self, happened: Happened) -> Message:
        event = happened.event
        if event.value is None:
            kv = mvccpb.KeyValue(key=event.key, mod_revision=event.revision)
            out = mvccpb.Event(type=mvccpb.Event.DELETE, kv=kv)
        else:
            kv = mvccpb.KeyValue(
                key=event.key,
                value=event.value,
                create_revision=event.create_revision,
                mod_revision=event.revision,
                version=event.version,
                lease=event.lease,
            )
            out = mvccpb.Event(kv=kv)
        if self._previous and happened.previous is not None:
            out.prev_kv.CopyFrom(message(happened.previous))
        return out

    def compacted(self, revision: int) -> None:
        response = pb.WatchResponse(watch_id=self._id, canceled=True, compact_revision=revision)
        self._stream.send(response, revision)
        self._stream.forget(self._id)


def _span(request: Message) -> tuple[bytes, bytes]:
    """An empty key means the first one there can be; a lone zero byte ends nowhere."""
    if not request.key and not request.range_end:
        return b"\x00", b"\x00\x00"
    if request.range_end == b"\x00":
        return request.key, INFINITY
    return bounds(request.key, request.range_end)


def _fragments(events: list[Message]) -> list[list[Message]]:
    parts: list[list[Message]] = [[]]
    size = 0
    for event in events:
        length = event.ByteSize()
        if parts[-1] and size + length >= MAX_REQUEST:
            parts.append([])
            size = 0
        parts[-1].append(event)
        size += length
    return parts
