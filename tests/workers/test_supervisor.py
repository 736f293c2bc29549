"""Children: kept alive, told about, and ended in order and in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from time import monotonic

import pytest

from workers.supervisor import LOG_LIMIT, Child, Supervisor

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor(folder, dict(os.environ), self.said.append)

    async def running(self, name: str, other_than: int = 0) -> int:
        async with asyncio.timeout(10):
            while (pid := self.supervisor.pids().get(name, other_than)) == other_than:
                await asyncio.sleep(0.01)
        return pid


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_killed_child_is_started_again_and_said_so(bench: Bench) -> None:
    bench.supervisor.start(Child("a", python(SLEEP)))
    first = await bench.running("a")
    os.kill(first, signal.SIGKILL)
    second = await bench.running("a", other_than=first)
    await bench.supervisor.stop()
    assert second != first
    assert bench.said == ["a ended (killed by SIGKILL); starting it again"]


async def test_the_reason_is_quoted_from_the_log(bench: Bench) -> None:
    bench.supervisor.start(Child("a", python("raise SystemExit('no such database')")))
    async with asyncio.timeout(10):
        while not bench.said:
            await asyncio.sleep(0.01)
    await bench.supervisor.stop()
    assert bench.said[0].endswith(
        "(exit code 1); starting it again. Its log ends: no such database"
    )
    assert "no such database" in (bench.folder / "a.log").read_text()


async def test_everything_ends_stage_by_stage(bench: Bench) -> None:
    order = bench.folder / "order"
    code = (
        "import signal, sys, time, pathlib\n"
        f"end = lambda *_: (open({str(order)!r}, 'a').write(sys.argv[1]), sys.exit(0))\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path(sys.argv[2]).touch()\n"
        "time.sleep(60)"
    )
    for name, stage in (("c", 2), ("a", 0), ("b", 1)):
        ready = bench.folder / f"{name}.ready"
        bench.supervisor.start(Child(name, [*python(code), name, str(ready)], stage))
        async with asyncio.timeout(10):
            while not ready.exists():
                await asyncio.sleep(0.01)
    await bench.supervisor.stop()
    assert order.read_text() == "abc"


async def test_who_does_not_end_is_killed_within_five_seconds(bench: Bench) -> None:
    bench.supervisor.start(Child("stubborn", python(STUBBORN)))
    bench.supervisor.start(Child("later", python(SLEEP), stage=1))
    pids = [await bench.running("stubborn"), await bench.running("later")]
    await asyncio.sleep(0.2)  # until SIGTERM is ignored
    begun = monotonic()
    await bench.supervisor.stop()
    assert monotonic() - begun < 5
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_child_notices_the_end_of_its_supervisor(tmp_path: Path) -> None:
    """Even of one that was killed: the pipe it held closes."""
    script = (
        "import asyncio, os, sys, pathlib\n"
        "from workers.supervisor import Child, Supervisor\n"
        "child = [sys.executable, '-c', 'from workers import lifeline; lifeline.hold();"
        " import time; print(1, flush=True); time.sleep(60)']\n"
        "async def main():\n"
        "    s = Supervisor(pathlib.Path(sys.argv[1]), dict(os.environ), print)\n"
        "    s.start(Child('a', child))\n"
        "    while not s.pids() or not (pathlib.Path(sys.argv[1]) / 'a.log').read_text():\n"
        "        await asyncio.sleep(0.01)\n"
        "    print(s.pids()['a'], flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    pid = int(await supervisor.stdout.readline())
    supervisor.kill()
    await supervisor.wait()
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
            await asyncio.sleep(0.01)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_an_overlong_log_makes_room(bench: Bench) -> None:
    log = bench.folder / "a.log"
    log.touch()
    os.truncate(log, LOG_LIMIT + 1)
    assert not bench.supervisor.log("a").exists()
    assert (bench.folder / "a.log.1").exists()
    await bench.supervisor.stop()
