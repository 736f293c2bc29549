"""kubectl attach: a client at the main process's own terminal or output.

What is typed is written down, line by line, so that the kubelet's picture of the container reads
the same. Models the attach half of pkg/kubelet/cri/streaming/remotecommand.
"""

from __future__ import annotations

from typing import Protocol

from cluster.apiserver.http.streams import STDOUT, Input, Peer, StreamRequest
from cluster.machinery.meta import Object
from cluster.runtime import journal
from cluster.runtime.container import Container
from cluster.runtime.terminal import Terminal

SLICE = 2_000
KEYS = (b"\r", b"\n", b"\x03", b"\x04", b"\x1c")  # what programs get to see at once


class Keeper(Protocol):
    """The streams that attachments belong to."""

    def now(self) -> float: ...

    def pause(self, deadline: float | None) -> float: ...

    def still(self, container: Container) -> bool: ...

    async def keep(self, container: Container, entry: Object) -> None: ...


class Attachment:
    def __init__(
        self, streams: Keeper, container: Container, request: StreamRequest, peer: Peer
    ) -> None:
        self._streams = streams
        self._container = container
        self._request = request
        self._peer = peer
        self._out = bytearray()
        self._typed = b""
        self._gone = False

    async def run(self) -> int:
        container = self._container
        self._out += self._unfinished()
        container.attached.append(self._out.extend)
        try:
            return await self._drive()
        finally:
            container.attached.remove(self._out.extend)
            if self._request.stdin and container.spec.get("stdinOnce"):
                await self._end()

    def _unfinished(self) -> bytes:
        """The line that waits for an answer: a prompt."""
        if not self._request.tty:
            return b""
        text = b"".join(data for _, data in self._container.chunks[-50:])
        return text.rpartition(b"\n")[2]

    async def _drive(self) -> int:
        container, kernel = self._container, self._container.kernel
        while True:
            container.advance(self._streams.now())
            if self._out:
                data = bytes(self._out)
                self._out.clear()
                await self._peer.send(STDOUT, data)
            if container.over or self._gone:
                return 0
            found = await self._peer.next(self._streams.pause(kernel.deadline()))
            if found is None and not self._streams.still(container):
                return 0
            while found is not None:
                await self._take(found)
                found = None if self._gone else await self._peer.next(0)

    async def _take(self, found: Input) -> None:
        console = self._container.console
        if found.kind == "gone":
            self._gone = True
        elif found.kind == "resize" and isinstance(console, Terminal):
            console.resize(found.columns, found.rows)
        elif found.kind == "end":
            await self._end()
        elif found.kind == "data" and console is not None and self._request.stdin:
            console.feed(found.data)
            self._typed += found.data
            if not isinstance(console, Terminal) or any(k in found.data for k in KEYS):
                await self._write_down(ended=False)

    async def _end(self) -> None:
        console = self._container.console
        if console is not None and not console.ended and not isinstance(console, Terminal):
            console.end()
            await self._write_down(ended=True)

    async def _write_down(self, ended: bool) -> None:
        typed, self._typed = self._typed, b""
        now = self._streams.now()
        entry = journal.entry(self._container, now, typed=typed, ended=ended)
        await self._streams.keep(self._container, entry)
