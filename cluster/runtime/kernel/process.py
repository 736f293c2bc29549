"""A process, and the things it can wait for."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.runtime.fs.nodes import Device, Directory, File
from cluster.runtime.fs.tree import fail
from cluster.runtime.kernel.files import Null, OpenFile, open_node

if TYPE_CHECKING:
    from cluster.runtime.kernel.kernel import Kernel

CHUNK = 65_536


class Syscall(ABC):
    """What a process waits for. `deadline` is a moment of cluster time, or None."""

    deadline: float | None = None

    @abstractmethod
    def ready(self, now: float) -> bool: ...

    def result(self) -> Any:
        return None


class _Tick(Syscall):
    """Nothing: a place where others may run."""

    def ready(self, now: float) -> bool:
        return True


TICK = _Tick()


@dataclass(slots=True)
class Read(Syscall):
    file: OpenFile
    size: int = CHUNK
    data: bytes | None = None

    def ready(self, now: float) -> bool:
        if self.data is None:
            self.data = self.file.read(self.size)
        return self.data is not None

    def result(self) -> bytes:
        return self.data or b""


@dataclass(slots=True)
class Sleep(Syscall):
    deadline: float | None

    def ready(self, now: float) -> bool:
        return self.deadline is not None and now >= self.deadline


@dataclass(slots=True)
class Wait(Syscall):
    """Until all of them have ended."""

    processes: list[Process]

    def ready(self, now: float) -> bool:
        return all(p.status is not None for p in self.processes)


@dataclass(slots=True)
class Until(Syscall):
    """Until something is so, or the deadline; gives whether it is."""

    test: Callable[[], bool]
    deadline: float | None = None
    met: bool = False

    def ready(self, now: float) -> bool:
        self.met = self.test()
        return self.met or (self.deadline is not None and now >= self.deadline)

    def result(self) -> bool:
        return self.met


@dataclass(slots=True)
class _Drain(Syscall):
    file: OpenFile

    def ready(self, now: float) -> bool:
        return not self.file.full()


Run = Generator[Syscall, Any, int]
# A program: takes its process, whose argv[1:] are the arguments; its result is the exit code.
Main = Callable[["Process", list[str]], "Run | int"]


class Killed(Exception):
    """A signal that was not handled ends the process; thrown into its coroutine."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class Leave(Exception):
    """A program ends with this code, from wherever it is."""

    def __init__(self, code: int = 1) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True, eq=False)
class Process:
    """`handlers` maps signal numbers to what the shell does about them: its own function, or None
    for a signal that is ignored. `group` are the processes that Ctrl-C reaches together."""

    kernel: Kernel
    pid: int
    parent: Process | None
    argv: list[str]
    env: dict[str, str]
    cwd: str = "/"
    fds: dict[int, OpenFile] = field(default_factory=dict)
    umask: int = 0o022
    status: int | None = None
    waiting: Syscall = TICK
    coroutine: Run | None = None
    pending: list[int] = field(default_factory=list)
    handlers: dict[int, Callable[[int], None] | None] = field(default_factory=dict)
    session: int = 0
    background: bool = False
    started_at: float = 0.0

    # ---- descriptors

    def install(self, number: int, file: OpenFile) -> None:
        file.refs += 1
        self.close(number)
        self.fds[number] = file

    def close(self, number: int) -> None:
        file = self.fds.pop(number, None)
        if file is not None:
            file.refs -= 1
            if file.refs <= 0:
                file.closed()

    def close_all(self) -> None:
        for number in list(self.fds):
            self.close(number)

    def descriptor(self, number: int) -> OpenFile:
        file = self.fds.get(number)
        if file is None:
            raise fail(errno.EBADF)
        return file

    # ---- writing and reading

    def write(self, data: bytes, fd: int = 1) -> None:
        if data:
            self.descriptor(fd).write(data)

    def say(self, text: str, fd: int = 1) -> None:
        self.write(text.encode("utf-8", "surrogateescape"), fd)

    def line(self, text: str) -> None:
        self.say(f"{text}\n")

    def error(self, text: str) -> None:
        """`name: text` on standard error."""
        self.say(f"{self.argv[0].rpartition('/')[2]}: {text}\n", 2)

    def drain(self, fd: int = 1) -> Generator[Syscall, Any, None]:
        """Wait until what was written has gone: for programs that write without end."""
        yield _Drain(self.descriptor(fd)) if fd in self.fds else TICK

    def read(self, fd: int = 0, size: int = CHUNK) -> Generator[Syscall, Any, bytes]:
        """At least one byte, or b"" at the end."""
        data: bytes = yield Read(self.descriptor(fd), size)
        return data

    def read_all(self, fd: int = 0) -> Generator[Syscall, Any, bytes]:
        out = []
        while data := (yield from self.read(fd)):
            out.append(data)
        return b"".join(out)

    def read_line(self, fd: int = 0) -> Generator[Syscall, Any, bytes]:
        """With its line feed; byte by byte, so that what follows is left to others."""
        out = bytearray()
        while byte := (yield from self.read(fd, 1)):
            out += byte
            if byte == b"\n":
                break
        return bytes(out)

    # ---- time

    def sleep(self, seconds: float) -> Generator[Syscall, Any, None]:
        yield Sleep(self.kernel.now + max(0.0, seconds))

    # ---- files

    def path(self, name: str) -> str:
        return name if name.startswith("/") else f"{self.cwd.rstrip('/')}/{name}"

    def open(self, name: str, mode: str = "r") -> OpenFile:
        """`mode` is r, w (truncate), a (append) or x (read and write). Raises OSError."""
        kernel, path = self.kernel, self.path(name)
        if mode == "r":
            node = kernel.fs.find(path)
            real = path
        else:
            node = kernel.fs.file(path, kernel.now, mode == "w", 0o666 & ~self.umask)
            real = kernel.fs.real(path)
        if isinstance(node, Directory):
            raise fail(errno.EISDIR, name)
        if isinstance(node, Device) and node.kind.startswith("fd"):
            return self.descriptor(int(node.kind[2:]))
        if isinstance(node, Device) and node.kind == "tty":
            return self.descriptor(0 if mode == "r" else 1)
        if isinstance(node, Device) and node.kind == "random":
            kernel.look("chance")
        if not isinstance(node, (File, Device)):
            return Null()
        seed = f"{kernel.seed}/{self.pid}"
        return open_node(
            node, seed, lambda: kernel.now, lambda: kernel.fs.note(real), mode == "a",
            kernel.fs.room,
        )  # fmt: skip

    def read_file(self, name: str) -> Generator[Syscall, Any, bytes]:
        """`-` is standard input; devices and pipes are read to their end."""
        if name == "-":
            return (yield from self.read_all(0))
        node = self.kernel.fs.find(self.path(name))
        if isinstance(node, File):
            return node.content()
        if isinstance(node, Directory):
            raise fail(errno.EISDIR, name)
        if isinstance(node, Device) and node.kind in ("fd0", "tty"):
            return (yield from self.read_all(0))
        return b""

    # ---- children

    def fork(self, argv: list[str], fds: dict[int, OpenFile] | None = None) -> Process:
        """A copy with its own table of descriptors; `Kernel.start` sets it going."""
        return self.kernel.fork(self, argv, self.fds if fds is None else fds)

    def wait(self, children: Iterable[Process]) -> Generator[Syscall, Any, int]:
        found = list(children)
        if any(c.status is None for c in found):
            yield Wait(found)
        for child in found:
            self.kernel.reap(child)
        return found[-1].status or 0 if found else 0
