"""Port-forward as kubectl does it: SPDY/3.1 frames inside binary websocket messages.

Each connection is a pair of streams with one requestID: `error` and `data`. Models
pkg/kubelet/cri/streaming/portforward/httpstream.go and the API server's tunneling handler.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from cluster.apiserver.http.channels import Wire, dial_error
from cluster.apiserver.http.spdy import Data, Event, Opened, Reset, Session, SpdyError
from cluster.apiserver.http.streams import Connection, Streams
from cluster.machinery.meta import Object

TUNNEL = "SPDY/3.1+portforward.k8s.io"


@dataclass(slots=True)
class _Pair:
    port: int
    error: int = 0
    data: int = 0
    connection: Connection | None = None
    pump: asyncio.Task[None] | None = None


class Forwarding:
    """One client's port-forward over one SPDY session; `wire` carries its bytes."""

    def __init__(self, streams: Streams, pod: Object, wire: Wire) -> None:
        self._streams = streams
        self._pod = pod
        self._wire = wire
        self._session = Session()
        self._pairs: dict[str, _Pair] = {}
        self._by_data: dict[int, _Pair] = {}
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        try:
            while not self._session.closing and (data := await self._wire.message()) is not None:
                for event in self._session.receive(data):
                    await self._on(event)
                await self._flush()
        except SpdyError:
            self._session.go_away()
            await self._flush()
        finally:
            for pair in self._by_data.values():
                await self._drop(pair)
        await self._wire.close()

    async def _flush(self) -> None:
        async with self._sending:
            if data := self._session.taken():
                await self._wire.raw(data)

    async def _on(self, event: Event) -> None:
        if isinstance(event, Opened):
            await self._opened(event)
        elif isinstance(event, Data):
            pair = self._by_data.get(event.stream)
            if pair is not None and pair.connection is not None:
                if event.data:
                    await pair.connection.send(event.data)
                if event.ended:
                    await pair.connection.end()
        elif isinstance(event, Reset) and event.stream in self._by_data:
            await self._drop(self._by_data.pop(event.stream))

    async def _opened(self, event: Opened) -> None:
        port, request = event.headers.get("port", ""), event.headers.get("requestid", "")
        if not port.isdigit():
            self._session.reset(event.stream, 1)
            return
        self._session.reply(event.stream)
        pair = self._pairs.setdefault(request or port, _Pair(int(port)))
        if event.headers.get("streamtype") == "error":
            pair.error = event.stream
        else:
            pair.data = event.stream
            self._by_data[event.stream] = pair
        if pair.error and pair.data:
            del self._pairs[request or port]
            await self._dial(pair)

    async def _dial(self, pair: _Pair) -> None:
        try:
            pair.connection = await self._streams.dial(self._pod, pair.port)
        except OSError as error:
            self._session.send(pair.error, dial_error(self._pod, pair.port, error), end=True)
            self._session.send(pair.data, b"", end=True)
            return
        pair.pump = asyncio.create_task(self._pump(pair))

    async def _pump(self, pair: _Pair) -> None:
        assert pair.connection is not None
        while data := await pair.connection.receive():
            self._session.send(pair.data, data)
            await self._flush()
        self._session.send(pair.data, b"", end=True)
        self._session.send(pair.error, b"", end=True)
        await self._flush()

    async def _drop(self, pair: _Pair) -> None:
        if pair.connection is not None:
            await pair.connection.end()
        if pair.pump is not None:
            pair.pump.cancel()


async def serve_tunnel(streams: Streams, pod: Object, wire: Wire) -> None:
    await Forwarding(streams, pod, wire).run()
