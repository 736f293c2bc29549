"""One per process: follows the log for all open pages, so that ten browsers cost what one does.

    hint -> wake() -> [thread] sync informers, compute rows -> [loop] apply to State -> consumers

At most ten turns a second. The first page that opens starts it; while no page is open it rests.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cluster.client import Informers
from cluster.machinery.clock import Clock
from dashboard import door
from dashboard.door import configure
from dashboard.projection.projector import Changes, Projector
from dashboard.state import State

__all__ = ["Hub", "configure", "hub"]
log = logging.getLogger(__name__)
TURN = 0.1  # seconds between turns: about what an eye follows
LOOK = 1.0  # hints may be lost: look at the newest revision this often while pages are open
PAUSE_AFTER_ERROR = 2.0


class Hub:
    def __init__(self) -> None:
        self.state = State()
        self._wake = asyncio.Event()
        self._opened = asyncio.Event()
        self._moved = asyncio.Condition()
        self._watchers = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        # Informers and SQL are synchronous and belong to one thread, for the process's life.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hub")
        self._clock: Clock | None = None
        self._projector: Projector | None = None

    # ---- for consumers

    def join(self) -> None:
        """A page opened."""
        self._watchers += 1
        self._start()
        self._opened.set()
        self._wake.set()

    def leave(self) -> None:
        self._watchers -= 1

    def wake(self) -> None:
        """There may be something new. Callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def moved(self, epoch: int, revision: int) -> None:
        """Until the state is not at (epoch, revision)."""
        async with self._moved:
            await self._moved.wait_for(
                lambda: (
                    self.state.revision > 0
                    and (self.state.epoch, self.state.revision) != (epoch, revision)
                )
            )

    def now(self) -> float:
        """Cluster time, once the first turn is over."""
        return self._clock.now() if self._clock is not None else 0.0

    # ---- the loop

    def _start(self) -> None:
        if self._tasks and not any(task.done() for task in self._tasks):
            return
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._run())]
        if (listener := door.listener()) is not None:
            self._tasks.append(asyncio.create_task(self._listen(listener)))

    async def _listen(self, listener: door.Listener) -> None:
        await listener(self.wake)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._awaken()
            self._wake.clear()
            changes = await loop.run_in_executor(self._thread, self._turn)
            if changes is None:
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                self._wake.set()
                continue
            if self.state.apply(changes):
                async with self._moved:
                    self._moved.notify_all()
            await asyncio.sleep(TURN)

    async def _awaken(self) -> None:
        """Until there may be something new and somebody to see it."""
        while self._watchers == 0:
            self._opened.clear()
            await self._opened.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LOOK)

    def _turn(self) -> Changes | None:
        """In the thread. None when the store cannot be read now; the log keeps what we miss."""
        from django.db import Error, connection

        try:
            if self._projector is None:
                registry = door.client("system:orrery:dashboard").registry
                self._clock = registry.clock
                self._projector = Projector(Informers(registry), lambda: registry.store.epoch)
            return self._projector.advance()
        except (Error, OSError) as error:
            log.warning("cannot follow the log: %s", error)
            connection.close()
            return None

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._thread.shutdown(wait=False)


_hub: Hub | None = None


def hub() -> Hub:
    """This process's hub; made when first asked for, inside the event loop."""
    global _hub
    if _hub is None:
        _hub = Hub()
    return _hub
