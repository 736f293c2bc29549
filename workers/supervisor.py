"""Starts children, restarts the dead ones and says so, and ends all of them in order.

Knows nothing of what they do. A child's output goes to its own log; what it needs to know is in
its environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from time import monotonic

from workers import lifeline

FIRST_DELAY, LONGEST_DELAY = 0.2, 10.0
SETTLED = 30.0  # a child that lived this long starts afresh with its delays
LOG_LIMIT = 16 * 2**20
END_WITHIN = 4.5  # seconds for all stages together


@dataclass(frozen=True, slots=True)
class Child:
    """`stage`: when everything ends, lower stages end first."""

    name: str
    command: list[str]
    stage: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """`say` tells the person at the terminal one line."""

    def __init__(self, logs: Path, environment: dict[str, str], say: Callable[[str], None]) -> None:
        self._logs = logs
        self._environment = environment
        self._say = say
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._children: dict[str, Child] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._line, self._held = os.pipe()

    def start(self, child: Child) -> None:
        """Keep it alive from now on."""
        self._children[child.name] = child
        self._keepers[child.name] = asyncio.create_task(self._keep(child))

    async def _keep(self, child: Child) -> None:
        delay = FIRST_DELAY
        while True:
            started = monotonic()
            process = await self._spawn(child)
            self._running[child.name] = process
            code = await process.wait()
            del self._running[child.name]
            if monotonic() - started > SETTLED:
                delay = FIRST_DELAY
            self._say(f"{child.name} ended ({_how(code)}); starting it again{self._why(child)}")
            await asyncio.sleep(delay)
            delay = min(LONGEST_DELAY, delay * 2)

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        with self.log(child.name).open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={
                    **self._environment,
                    **child.environment,
                    lifeline.VARIABLE: str(self._line),
                },
                pass_fds=[self._line],
                # Of its own, so that Ctrl-C reaches the supervisor alone, which ends all in order.
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """Where a child's output goes; an overlong log makes room."""
        path = self._logs / f"{name}.log"
        with suppress(FileNotFoundError):
            if path.stat().st_size > LOG_LIMIT:
                path.replace(path.with_suffix(".log.1"))
        return path

    def _why(self, child: Child) -> str:
        """What it said last."""
        lines = self.log(child.name).read_bytes()[-2000:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f". Its log ends: {last[:200]}" if last else ""

    # ---- the end

    async def stop(self) -> None:
        """All children, stage by stage, within END_WITHIN seconds; who does not end is killed."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        end = monotonic() + END_WITHIN
        left = sorted(self._running, key=lambda name: self._children[name].stage)
        stages = [list(g) for _, g in groupby(left, key=lambda name: self._children[name].stage)]
        for number, names in enumerate(stages):
            # Each later stage keeps a little of the time.
            reserve = 0.4 * (len(stages) - number - 1)
            await self._end([self._running[n] for n in names], end - reserve)
        os.close(self._held)
        os.close(self._line)

    async def _end(self, processes: list[asyncio.subprocess.Process], end: float) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                process.terminate()
        waiting = [asyncio.create_task(process.wait()) for process in processes]
        _, late = await asyncio.wait(waiting, timeout=max(0.1, end - monotonic()))
        for process in processes if late else []:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*waiting)

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
