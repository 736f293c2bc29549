"""kubectl port-forward: SPDY in a websocket, and channels for the Python clients."""

from __future__ import annotations

import struct
import zlib

import pytest

from cluster.apiserver.http.spdy import DICTIONARY
from tests.kubelet.streaming import Cluster, Websocket

PATH = "/api/v1/namespaces/default/pods/web/portforward"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    found.start("web", container={"image": "nginx"})
    return found


class SpdyClient:
    """As much of a client as the tests need."""

    def __init__(self, socket: Websocket) -> None:
        self.socket = socket
        self._pack = zlib.compressobj(zdict=DICTIONARY)
        self._buffer = b""

    async def open(self, stream: int, **headers: str) -> None:
        raw = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for word in (name.encode(), value.encode()):
                raw += struct.pack(">I", len(word)) + word
        block = self._pack.compress(raw) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">IIH", stream, 0, 0) + block
        await self.socket.send(struct.pack(">HHI", 0x8003, 1, len(body)) + body)

    async def send(self, stream: int, data: bytes) -> None:
        await self.socket.send(struct.pack(">II", stream, len(data)) + data)

    async def data(self, stream: int) -> tuple[bytes, bool]:
        """The next data frame of the stream: (data, whether it was the last)."""
        while True:
            while len(self._buffer) >= 8:
                head, rest = struct.unpack(">II", self._buffer[:8])
                size = rest & 0xFFFFFF
                if len(self._buffer) < 8 + size:
                    break
                body, self._buffer = self._buffer[8 : 8 + size], self._buffer[8 + size :]
                if head == stream:
                    return body, bool(rest >> 24 & 1)
            self._buffer += await self.socket.receive() or b""


async def connect(cluster: Cluster, port: int) -> SpdyClient:
    socket = await cluster.open(PATH, ["SPDY/3.1+portforward.k8s.io"])
    assert socket.protocol == "SPDY/3.1+portforward.k8s.io"
    client = SpdyClient(socket)
    await client.open(1, streamtype="error", port=str(port), requestid="0")
    await client.open(3, streamtype="data", port=str(port), requestid="0")
    return client


async def test_a_request_through_the_tunnel_is_answered(cluster: Cluster) -> None:
    client = await connect(cluster, 80)
    await client.send(3, REQUEST)
    data, _ = await client.data(3)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n") and b"Welcome to nginx!" in data
    await client.socket.leave()


async def test_a_port_nobody_listens_on_is_refused_on_the_error_stream(cluster: Cluster) -> None:
    client = await connect(cluster, 81)
    data, last = await client.data(1)
    assert b"connect: connection refused" in data and last
    await client.socket.leave()


async def test_channels_begin_with_the_port(cluster: Cluster) -> None:
    socket = await cluster.open(PATH, ["v4.channel.k8s.io"], ports="80")
    assert await socket.receive() == b"\x00\x50\x00"
    assert await socket.receive() == b"\x01\x50\x00"
    await socket.send(b"\x00" + REQUEST)
    answer = await socket.receive()
    assert answer is not None and answer.startswith(b"\x00HTTP/1.1 200 OK")
    await socket.leave()


async def test_garbage_ends_the_connection_and_not_the_server(cluster: Cluster) -> None:
    socket = await cluster.open(PATH, ["SPDY/3.1+portforward.k8s.io"])
    await socket.send(struct.pack(">HHI", 0x8003, 1, 20) + b"\xff" * 20)
    while await socket.receive() is not None:
        pass
    assert (await connect(cluster, 80)) is not None
