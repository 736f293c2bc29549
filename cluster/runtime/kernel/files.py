"""Open files: what a process's descriptors lead to. Several descriptors may share one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from cluster.runtime.fs.nodes import Device, File
from cluster.runtime.fs.tree import MAX_FILE, fail

PIPE_SIZE = 65_536


class OpenFile(Protocol):
    """`refs` counts the descriptors; at zero it is closed."""

    refs: int
    is_tty: bool

    def read(self, size: int) -> bytes | None:
        """At most so many bytes; b"" at the end; None when one has to wait."""
        ...

    def write(self, data: bytes) -> None:
        """Raises BrokenPipeError when nobody will ever read it."""
        ...

    def full(self) -> bool:
        """Whoever writes should wait until this is false."""
        ...

    def closed(self) -> None: ...


class _Base:
    is_tty = False

    def __init__(self) -> None:
        self.refs = 0

    def read(self, size: int) -> bytes | None:
        raise fail(errno.EBADF)

    def write(self, data: bytes) -> None:
        raise fail(errno.EBADF)

    def full(self) -> bool:
        return False

    def closed(self) -> None:
        return None


class Null(_Base):
    def read(self, size: int) -> bytes | None:
        return b""

    def write(self, data: bytes) -> None:
        return None


class Zero(Null):
    def read(self, size: int) -> bytes | None:
        return bytes(min(size, PIPE_SIZE))


class Full(Zero):
    def write(self, data: bytes) -> None:
        raise fail(errno.ENOSPC)


class Random(Null):
    """The same bytes in each run of the same container: nothing here is left to chance."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._state = seed.encode()

    def read(self, size: int) -> bytes | None:
        out, size = b"", min(size, PIPE_SIZE)
        while len(out) < size:
            self._state = sha256(self._state).digest()
            out += self._state
        return out[:size]


class Sink(_Base):
    """Hands on what is written: to a log, to a client. `busy` says that it takes no more now."""

    def __init__(
        self, write: Callable[[bytes], None], busy: Callable[[], bool] | None = None,
        is_tty: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._write = write
        self._busy = busy
        self.is_tty = is_tty

    def read(self, size: int) -> bytes | None:
        return b""

    def write(self, data: bytes) -> None:
        self._write(data)

    def full(self) -> bool:
        return self._busy is not None and self._busy()


class Source(_Base):
    """Fed from outside: a client's standard input. Never shorter than what was fed."""

    def __init__(self, is_tty: bool = False) -> None:
        super().__init__()
        self.is_tty = is_tty
        self._buffer = bytearray()
        self.ended = False
        self._hangups = 0
        self.write_to: Sink | None = None  # a terminal can also be written to

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def end(self) -> None:
        self.ended = True

    def end_of_file(self) -> None:
        """Ctrl-D: one reader sees an end, the terminal stays."""
        self._hangups += 1

    def read(self, size: int) -> bytes | None:
        if self._buffer:
            data = bytes(self._buffer[:size])
            del self._buffer[:size]
            return data
        if self._hangups:
            self._hangups -= 1
            return b""
        return b"" if self.ended else None

    def write(self, data: bytes) -> None:
        if self.write_to is None:
            raise fail(errno.EBADF)
        self.write_to.write(data)


class Pipe:
    """Both ends of a pipe."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.reader = _Reader(self)
        self.writer = _Writer(self)


class _Reader(_Base):
    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self.open = True

    def read(self, size: int) -> bytes | None:
        buffer = self._pipe.buffer
        if buffer:
            data = bytes(buffer[:size])
            del buffer[:size]
            return data
        return None if self._pipe.writer.open else b""

    def closed(self) -> None:
        self.open = False


class _Writer(_Base):
    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self.open = True

    def write(self, data: bytes) -> None:
        if not self._pipe.reader.open:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        self._pipe.buffer += data

    def full(self) -> bool:
        return self._pipe.reader.open and len(self._pipe.buffer) >= PIPE_SIZE

    def closed(self) -> None:
        self.open = False


class RegularFile(_Base):
    """`noted` is told when the content changed."""

    def __init__(
        self,
        node: File,
        clock: Callable[[], float],
        noted: Callable[[], None],
        append: bool,
        room: Callable[[int], bool] = lambda size: True,
    ) -> None:
        super().__init__()
        self._room = room
        self._node = node
        self._clock = clock
        self._noted = noted
        self._append = append
        self._made = node.made is not None
        self._at = 0
        self._content = node.content() if self._made else b""

    def read(self, size: int) -> bytes | None:
        data = self._content if self._made else self._node.data
        found = bytes(data[self._at : self._at + size])
        self._at += len(found)
        return found

    def write(self, data: bytes) -> None:
        node = self._node
        if len(node.data) + len(data) > MAX_FILE or not self._room(len(data)):
            raise fail(errno.ENOSPC)
        if not isinstance(node.data, bytearray):
            node.data = bytearray(node.data)
        if self._append:
            self._at = len(node.data)
        if self._at > len(node.data):
            node.data += bytes(self._at - len(node.data))
        node.data[self._at : self._at + len(data)] = data
        self._at += len(data)
        node.mtime = self._clock()
        self._noted()

    def seek_end(self) -> None:
        self._at = len(self._node.data)


def open_node(
    node: File | Device, seed: str, clock: Callable[[], float], noted: Callable[[], None],
    append: bool = False, room: Callable[[int], bool] = lambda size: True,
) -> OpenFile:  # fmt: skip
    if isinstance(node, File):
        return RegularFile(node, clock, noted, append, room)
    if node.kind == "zero":
        return Zero()
    if node.kind == "full":
        return Full()
    if node.kind == "random":
        return Random(seed)
    return Null()
