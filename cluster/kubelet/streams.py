"""exec, attach and port-forward into simulated containers, for the API server.

Models the kubelet's streaming endpoints (pkg/kubelet/cri/streaming). The session runs in the
process that holds the client's connection, on that process's picture of the pod.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from cluster.apiserver.http.streams import (
    STDERR,
    STDOUT,
    Connection,
    Input,
    Peer,
    StreamRequest,
)
from cluster.kubelet.attaching import Attachment
from cluster.kubelet.dialing import Ask, HttpConnection
from cluster.kubelet.pictures import Pictures
from cluster.machinery import errors
from cluster.machinery.clock import Clock
from cluster.machinery.meta import Object
from cluster.runtime import journal
from cluster.runtime.around import Reply
from cluster.runtime.container import Container, NotExecutableError
from cluster.runtime.kernel import OpenFile, Process, Sink, Source
from cluster.runtime.kernel.files import Null
from cluster.runtime.pod import status_of
from cluster.runtime.terminal import Terminal

UNSEEN = ("/dev/", "/proc/")
LOOK = 1.0  # seconds outside the cluster between looks at a quiet session
SLICE = 2_000  # steps before others in this process get their turn
HIGH_WATER = 256 * 1024

Pace = Callable[[float], float]  # cluster moment -> seconds outside until then
Find = Callable[[str, str], Object | None]


# Writes a JournalEntry down; gives its name.
Record = Callable[[Object], Awaitable[str]]


class PodNetwork(Protocol):
    def open(self, pod: Object, port: int) -> Ask:
        """How to ask what listens there. Raises OSError when nobody does."""
        ...

    def fetch(
        self, target: Object, port: str, method: str, path: str, headers: dict[str, str],
        body: bytes,
    ) -> Reply:  # fmt: skip
        """One request to a pod or service. Raises OSError, StatusError."""
        ...


class RuntimeStreams:
    """`find` gives the current pod."""

    def __init__(
        self, clock: Clock, find: Find, pace: Pace, pictures: Pictures,
        network: PodNetwork | None = None,
    ) -> None:  # fmt: skip
        self._network = network
        self.record: Record | None = None
        self._clock = clock
        self._find = find
        self._pace = pace
        self._pictures = pictures
        self._sessions = 0
        self._changes: dict[str, set[str]] = {}  # by container id
        self._signals: dict[str, list[tuple[int, int]]] = {}

    # ---- Streams

    def check(self, pod: Object, request: StreamRequest | None) -> None:
        name = pod["metadata"]["name"]
        if not pod["spec"].get("nodeName"):
            raise errors.bad_request(f"pod {name} does not have a host assigned")
        phase = (pod.get("status") or {}).get("phase")
        if request is None:
            if phase != "Running":
                raise errors.bad_request(
                    f"unable to forward port because pod is not running. Current status={phase}"
                )
            return
        if phase in ("Succeeded", "Failed"):
            raise errors.bad_request(
                f"cannot exec into a container in a completed pod; current phase is {phase}"
            )
        state = (status_of(pod, request.container) or {}).get("state") or {}
        if "running" not in state:
            raise errors.internal_error(
                f'unable to upgrade connection: container not found ("{request.container}")'
            )

    async def run(self, pod: Object, request: StreamRequest, peer: Peer) -> int:
        container = self._pictures.container(pod, request.container, self.now())
        if container is None:
            raise errors.internal_error(f'container not found ("{request.container}")')
        if not request.command:
            attachment = Attachment(self, container, request, peer)
            return await attachment.run()
        self._sessions += 1
        session = _Session(self, container, request, peer, self._sessions)
        fs, kernel = container.fs, container.kernel
        fs.changed, kernel.on_signal = self._noting(container), self._hearing(container)
        try:
            return await session.run()
        finally:
            await self.write_down(container)

    def _noting(self, container: Container) -> Callable[[str], None]:
        def note(path: str) -> None:
            current = container.kernel.current
            if current is not None and current.session > 0 and not path.startswith(UNSEEN):
                self._changes.setdefault(container.id, set()).add(path)

        return note

    def _hearing(self, container: Container) -> Callable[[Process, Process, int], None]:
        def hear(sender: Process, receiver: Process, number: int) -> None:
            if sender.session > 0 and receiver.session == 0:
                self._signals.setdefault(container.id, []).append((receiver.pid, number))

        return hear

    async def write_down(self, container: Container) -> None:
        """What sessions did since the last time, for the other pictures of the pod."""
        paths = self._changes.pop(container.id, set())
        signals = self._signals.pop(container.id, [])
        if paths or signals:
            await self.keep(container, journal.entry(container, self.now(), paths, signals))

    async def keep(self, container: Container, entry: Object) -> None:
        """Write down what this picture of the pod has done already."""
        if self.record is not None:
            self._pictures.of(container.pod).applied.add(await self.record(entry))

    async def dial(self, pod: Object, port: int) -> Connection:
        if self._network is None:
            raise ConnectionRefusedError(111, "Connection refused")
        return HttpConnection(self._network.open(pod, port))

    def fetch(
        self, target: Object, port: str, method: str, path: str, headers: dict[str, str],
        body: bytes,
    ) -> Reply:  # fmt: skip
        if self._network is None:
            raise ConnectionRefusedError(111, "Connection refused")
        return self._network.fetch(target, port, method, path, headers, body)

    # ---- for sessions

    def now(self) -> float:
        return self._clock.now()

    def pause(self, deadline: float | None) -> float:
        if deadline is None:
            return LOOK
        return min(LOOK, max(0.001, self._pace(deadline)))

    def still(self, container: Container) -> bool:
        """Whether the container still runs."""
        meta = container.pod["metadata"]
        pod = self._find(meta["namespace"], meta["name"])
        if pod is None or pod["metadata"]["uid"] != meta["uid"]:
            return False
        status = status_of(pod, container.spec["name"]) or {}
        return status.get("containerID") == container.id and "running" in (
            status.get("state") or {}
        )


@dataclass(slots=True)
class _Out:
    channel: int
    data: bytes


class _Session:
    """One exec: the process, the client, and what goes between them."""

    def __init__(
        self, streams: RuntimeStreams, container: Container, request: StreamRequest, peer: Peer,
        number: int,
    ) -> None:  # fmt: skip
        self.streams = streams
        self.container = container
        self.request = request
        self.peer = peer
        self.number = number
        self.out: list[_Out] = []
        self.waiting = 0
        self.gone = False
        self.source: Source | None = None
        self.terminal: Terminal | None = None

    def _write(self, channel: int) -> Callable[[bytes], None]:
        def write(data: bytes) -> None:
            self.out.append(_Out(channel, data))
            self.waiting += len(data)

        return write

    def _busy(self) -> bool:
        return self.waiting > HIGH_WATER

    def _files(self) -> dict[int, OpenFile]:
        wanted = self.request
        if wanted.tty:
            self.terminal = Terminal(self._write(STDOUT), self._busy, self._interrupt)
            if not wanted.stdin:
                self.terminal.end()
            self.source = self.terminal
            return {0: self.terminal, 1: self.terminal.screen, 2: self.terminal.screen}
        self.source = Source()
        if not wanted.stdin:
            self.source.end()
        out: OpenFile = Sink(self._write(STDOUT), self._busy) if wanted.stdout else Null()
        err: OpenFile = Sink(self._write(STDERR), self._busy) if wanted.stderr else Null()
        return {0: self.source, 1: out, 2: err}

    def _interrupt(self, number: int) -> None:
        self.container.kernel.interrupt(self.number, number)

    async def run(self) -> int:
        try:
            process = self.container.execute(list(self.request.command), self._files(), self.number)
        except NotExecutableError as error:
            await self.peer.send(STDOUT, f"{error}\n".encode())
            return 127
        try:
            return await self._drive(process)
        finally:
            self._hang_up(process)

    async def _drive(self, process: Process) -> int:
        kernel = self.container.kernel
        while True:
            more = kernel.run(self.streams.now(), SLICE)
            await self._flush()
            if process.status is not None:
                return process.status
            if self.gone:
                return 129
            if more:
                await asyncio.sleep(0)
                self._take(await self.peer.next(0.0001))
                continue
            await self.streams.write_down(self.container)
            found = await self.peer.next(self.streams.pause(kernel.deadline()))
            if found is None and not self.streams.still(self.container):
                return 137
            while found is not None:
                self._take(found)
                found = None if self.gone else await self.peer.next(0)

    def _take(self, found: Input | None) -> None:
        if found is None or self.source is None:
            return
        if found.kind == "data":
            self.source.feed(found.data)
        elif found.kind == "end":
            self.source.end()
        elif found.kind == "resize" and self.terminal is not None:
            self.terminal.resize(found.columns, found.rows)
        elif found.kind == "gone":
            self.source.end()
            self.gone = True

    async def _flush(self) -> None:
        """Neighbouring pieces of one channel go out together."""
        while self.out:
            pieces, self.out = self.out, []
            self.waiting = 0
            data, channel = bytearray(), pieces[0].channel
            for piece in pieces:
                if piece.channel != channel:
                    await self.peer.send(channel, bytes(data))
                    data, channel = bytearray(), piece.channel
                data += piece.data
            await self.peer.send(channel, bytes(data))

    def _hang_up(self, process: Process) -> None:
        """What a client left behind in the foreground ends with its connection."""
        kernel = self.container.kernel
        for one in list(kernel.processes.values()):
            if one.session == self.number and not one.background and one.status is None:
                kernel.end(one, 1)
        kernel.run(self.streams.now(), SLICE)
