"""Following the hints in an event loop: for processes that serve, not reconcile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import redis.asyncio
from django.db import Error as DatabaseError
from django.db import connection

from workers.switchboard import UNREACHABLE, Tidings
from workers.wiring import Live

log = logging.getLogger(__name__)
PAUSE_AFTER_ERROR = 1.0

Heard = Callable[[], None]


class Tail:
    """Calls `heard` when there may be new revisions, and keeps the process's clock at the
    cluster's pace. Hints lost while Redis was away count as heard."""

    def __init__(self, live: Live, url: str, heard: Heard) -> None:
        self._live = live
        self._url = url
        self._heard = heard
        # The clock's object is read with the thread's own database connection.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clock")

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self._follow()
            except UNREACHABLE as error:
                log.warning("no hints: %s", error)
            await asyncio.sleep(PAUSE_AFTER_ERROR)

    async def _follow(self) -> None:
        client = redis.asyncio.Redis.from_url(self._url, decode_responses=True)
        async with client, client.pubsub() as channel:
            await channel.subscribe(self._live.board.hints_channel)
            async for message in channel.listen():
                # The first is the subscription itself: what came before it was missed.
                hint = message["type"] == "message"
                if not hint or Tidings.parse(message["data"]).clock_changed:
                    await self._follow_clock()
                self._heard()

    async def _follow_clock(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._read_clock)

    def _read_clock(self) -> None:
        try:
            self._live.follow_clock()
        except DatabaseError as error:
            log.warning("cannot read the clock: %s", error)
            connection.close()
