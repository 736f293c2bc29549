"""The page's websocket: `/ws/state`, text frames of JSON.

    browser                               server
    {"type":"resume",epoch,revision}  ->
                                      <-  snapshot, or delta when it can continue from there
    {"type":"ack",revision}           ->  (gives a credit back)
                                      <-  delta, delta...     at most CREDITS unacknowledged
                                      <-  {"type":"tick"}     clock and newest revision, every 5 s

A slow browser gets fewer, bigger deltas: nothing is queued for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from dashboard import door
from dashboard.access import may
from dashboard.hub import Hub, hub

CREDITS = 4
TICK = 5.0
NOT_ALLOWED = 4401
NO_CLUSTER = 4503


class StateConsumer(AsyncWebsocketConsumer):
    hub: Hub | None = None

    async def connect(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.in_flight = 0
        self.credit = asyncio.Event()
        self.credit.set()
        self.at = (0, 0)
        user = self.scope.get("user")
        allowed = user is not None and await database_sync_to_async(may)(user, "view")
        await self.accept()
        if not allowed:
            await self.close(NOT_ALLOWED)
            return
        if not door.is_open():
            await self.close(NO_CLUSTER)
            return
        self.hub = hub()
        self.hub.join()

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        if self.hub is not None:
            self.hub.leave()
            self.hub = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = orjson.loads(text_data or "{}")
        except orjson.JSONDecodeError:
            await self.close(1007)
            return
        if not isinstance(message, dict) or self.hub is None:
            return
        handler = _HANDLERS.get(str(message.get("type")))
        if handler is not None:
            await handler(self, message)

    async def on_resume(self, message: dict[str, Any]) -> None:
        if self.tasks:
            return
        self.at = (_number(message.get("epoch")), _number(message.get("revision")))
        loops: list[Callable[[], Awaitable[None]]] = [self._feed, self._tick]
        self.tasks = [asyncio.create_task(loop()) for loop in loops]  # type: ignore[arg-type]

    async def on_ack(self, message: dict[str, Any]) -> None:
        self.in_flight = max(0, self.in_flight - 1)
        self.credit.set()

    async def _feed(self) -> None:
        assert self.hub is not None
        state = self.hub.state
        # The first frame tells a resumed page that it is up to date, even if nothing changed.
        await self.hub.moved(0, 0)
        while True:
            await self.credit.wait()
            frame = state.frame(*self.at)
            self.at = (state.epoch, state.revision)
            self.in_flight += 1
            if self.in_flight >= CREDITS:
                self.credit.clear()
            await self._send_tick()
            await self.send(text_data=frame.decode())
            await self.hub.moved(*self.at)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            await self._send_tick()

    async def _send_tick(self) -> None:
        assert self.hub is not None
        tick = {"type": "tick", "now": self.hub.now(), "revision": self.hub.state.revision}
        await self.send(text_data=orjson.dumps(tick).decode())


Handler = Callable[[StateConsumer, dict[str, Any]], Awaitable[None]]
_HANDLERS: dict[str, Handler] = {"resume": StateConsumer.on_resume, "ack": StateConsumer.on_ack}


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
