"""The loop that resumes processes, and signals between them."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from types import GeneratorType
from typing import TYPE_CHECKING

from cluster.runtime.fs.tree import FileSystem
from cluster.runtime.kernel.files import OpenFile
from cluster.runtime.kernel.process import Killed, Leave, Main, Process, Sleep

if TYPE_CHECKING:
    from cluster.runtime.container import Container

log = logging.getLogger(__name__)
# A program that never waits gets this many steps at a moment of cluster time; then it is taken to
# need more time, twice as much each time it wants on.
STEPS = 50_000
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# What a program's own mistakes raise: a number that is none, too deep a recursion.
MISTAKES = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
            AttributeError, AssertionError, re.error)  # fmt: skip
STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
HARMLESS = (signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, *STOPPING)
STOPS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)
MAX_PROCESSES = 400


class Kernel:
    """One container's. `seed` makes its chance reproducible; `first_pid` numbers from there."""

    def __init__(self, fs: FileSystem, now: float, seed: str = "") -> None:
        self.fs = fs
        self.now = now
        self.born = now
        self.seed = seed
        self.processes: dict[int, Process] = {}
        self.container: Container | None = None
        self.sterile = False
        self.hashed: dict[tuple[str, str], str] = {}  # where commands were found
        self.memory: dict[str, dict[str, str]] = {}  # what servers keep
        self.seen: set[str] = set()
        self.flavour = "busybox"  # whose tools these are: busybox, debian...
        self.obeys = False  # whether an image's own server ends when it is asked to
        self.stopped = 0  # the signal that asked an image's own server to end
        self.on_signal: Callable[[Process, Process, int], None] | None = None
        self.on_exit: Callable[[Process], None] | None = None
        self.current: Process | None = None
        self._next = 1
        self._steps = 0
        self._pause = FIRST_PAUSE

    def look(self, what: str) -> None:
        """A program wants to know something of the world, or changes it."""
        if self.sterile:
            self.seen.add(what)

    # ---- life and death

    def _add(self, process: Process) -> Process:
        if len(self.processes) >= MAX_PROCESSES:
            raise OSError(11, "Resource temporarily unavailable")
        self.processes[process.pid] = process
        self._next += 1
        return process

    def spawn(
        self, argv: list[str], env: dict[str, str], fds: dict[int, OpenFile], cwd: str = "/",
        session: int = 0,
    ) -> Process:  # fmt: skip
        """A process without a parent in this container: its main one, or an exec's."""
        process = Process(self, self._next, None, argv, env, cwd)
        process.session, process.started_at = session, self.now
        for number, file in fds.items():
            process.install(number, file)
        return self._add(process)

    def fork(self, parent: Process, argv: list[str], fds: dict[int, OpenFile]) -> Process:
        child = Process(self, self._next, parent, argv, parent.env, parent.cwd)
        child.umask, child.session, child.started_at = parent.umask, parent.session, self.now
        child.background = parent.background
        child.handlers = {n: None for n, h in parent.handlers.items() if h is None}
        for number, file in fds.items():
            child.install(number, file)
        return self._add(child)

    def start(self, process: Process, main: Main) -> None:
        """Run it as far as it needs nobody; programs that never wait end here."""
        before, self.current = self.current, process
        try:
            result = main(process, process.argv[1:])
            if isinstance(result, GeneratorType):
                process.coroutine = result
            else:
                assert isinstance(result, int)
                self._exit(process, result)
        except Leave as left:
            self._exit(process, left.code)
        except BrokenPipeError:
            self._exit(process, 128 + signal.SIGPIPE)
        except OSError as error:
            self._exit(process, _complain(process, error))
        except MISTAKES:
            self._crash(process)
        finally:
            self.current = before

    def _exit(self, process: Process, status: int) -> None:
        process.status = status & 255
        process.close_all()
        for child in self.processes.values():
            if child.parent is process:
                child.parent = None
        if self.on_exit is not None:
            self.on_exit(process)
        if process.parent is None:
            self.processes.pop(process.pid, None)

    def reap(self, process: Process) -> None:
        self.processes.pop(process.pid, None)

    # ---- signals

    def kill(self, pid: int, number: int) -> bool:
        """False when there is no such process."""
        process = self.processes.get(pid)
        if process is None or process.status is not None:
            return False
        if number == 0 or (number in HARMLESS and number not in process.handlers):
            return True
        if self.on_signal is not None and self.current is not None:
            self.on_signal(self.current, process, number)
        if process.coroutine is None:  # an image's own server
            if pid == 1 and self.obeys and number in STOPS:
                self.stopped = number
            return True
        if pid == 1 and number not in process.handlers:
            return True  # the kernel protects a namespace's first process from its own children
        process.pending.append(number)
        return True

    def interrupt(self, session: int, number: int) -> None:
        """What a key of the terminal does: to everybody in the foreground."""
        for process in list(self.processes.values()):
            if process.session == session and not process.background and process.status is None:
                process.pending.append(number)

    def end(self, process: Process, number: int) -> None:
        """From outside the container: nothing protects against it."""
        if process.status is None:
            process.handlers.pop(number, None)
            process.pending.append(number)

    # ---- running

    def run(self, now: float, steps: int = STEPS) -> bool:
        """Let everybody go on as far as possible. True when `steps` did not suffice."""
        if now > self.now:
            self.now, self._steps = now, 0
        left = steps
        progress = True
        while progress:
            progress = False
            for process in list(self.processes.values()):
                while process.status is None and self._due(process):
                    if left <= 0:
                        return True
                    left -= 1
                    progress = True
                    self._resume(process)
                    if process.waiting.deadline is not None or not process.waiting.ready(now):
                        break
                    if left % 16 == 0:
                        break  # the others' turn
        return False

    def _due(self, process: Process) -> bool:
        if process.coroutine is None:
            return False
        while process.pending:
            number = process.pending[0]
            if number not in process.handlers:
                return True
            process.pending.pop(0)
            handler = process.handlers[number]
            if handler is not None:
                handler(number)
        return process.waiting.ready(self.now)

    def _resume(self, process: Process) -> None:
        self._steps += 1
        if self._steps > STEPS and not process.pending:
            self._tire(process)
            return
        self.current = process
        assert process.coroutine is not None
        try:
            if process.pending:
                process.waiting = process.coroutine.throw(Killed(process.pending.pop(0)))
            else:
                process.waiting = process.coroutine.send(process.waiting.result())
        except StopIteration as stop:
            fatal = next((n for n in process.pending if n not in process.handlers), 0)
            self._exit(process, 128 + fatal if fatal else stop.value or 0)
        except Killed as killed:
            self._exit(process, 128 + killed.number)
        except Leave as left:
            self._exit(process, left.code)
        except BrokenPipeError:
            self._exit(process, 128 + signal.SIGPIPE)
        except OSError as error:
            self._exit(process, _complain(process, error))
        except MISTAKES:
            self._crash(process)
        finally:
            self.current = None

    def _crash(self, process: Process) -> None:
        """A tool did not expect what it was given. It ends, as programs do, and nothing else."""
        log.debug("%s", process.argv, exc_info=True)
        if 2 in process.fds:
            with suppress(OSError):
                process.say("Segmentation fault\n", 2)
        self._exit(process, 128 + signal.SIGSEGV)

    def _tire(self, process: Process) -> None:
        """It computes without end: let cluster time pass."""
        process.waiting = Sleep(self.now + self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def deadline(self) -> float | None:
        moments = [
            p.waiting.deadline
            for p in self.processes.values()
            if p.status is None and p.waiting.deadline is not None
        ]
        return min(moments, default=None)


def _complain(process: Process, error: OSError) -> int:
    """A program that did not catch it says what strerror says."""
    where = f"{error.filename}: " if error.filename else ""
    if 2 in process.fds:
        try:
            process.error(f"{where}{error.strerror}")
        except OSError:
            return 1
    return 1
