"""Streams over websocket channels: v4.channel.k8s.io, v5.channel.k8s.io and their base64 form.

Each message begins with its channel's number. Models k8s.io/apiserver/pkg/util/wsstream and
remotecommand's websocket.go.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable
from typing import Any, Protocol

import orjson

from cluster.apiserver.http.request import Receive, Send
from cluster.apiserver.http.streams import (
    ERROR,
    RESIZE,
    STDIN,
    Input,
    StreamRequest,
    Streams,
    failure,
    outcome,
)
from cluster.machinery import errors
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

CLOSE = 255
# In our order of preference; "" is what clients speak that name none.
EXEC_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io",
                  "v2.channel.k8s.io", "channel.k8s.io", "v4.base64.channel.k8s.io",
                  "base64.channel.k8s.io")  # fmt: skip
WAITING = 64  # messages of a client that wait to be read


class Wire:
    """Messages out and in, in the form the two sides agreed on."""

    def __init__(self, receive: Receive, send: Send, protocol: str) -> None:
        self._receive = receive
        self._send = send
        self.protocol = protocol
        self._base64 = "base64" in protocol
        self.gone = False

    async def message(self) -> bytes | None:
        """The next one; None when the client is gone."""
        while not self.gone:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self.gone = True
            elif event["type"] == "websocket.receive":
                return self._decoded(event)
        return None

    def _decoded(self, event: dict[str, Any]) -> bytes:
        data: bytes = event.get("bytes") or (event.get("text") or "").encode()
        if not self._base64 or not data:
            return data
        try:
            return bytes([data[0] - 48 & 255]) + base64.b64decode(data[1:])
        except binascii.Error:
            return b""

    async def send(self, channel: int, data: bytes) -> None:
        if self.gone:
            return
        if self._base64:
            text = f"{channel}{base64.b64encode(data).decode()}"
            await self._tried(self._send({"type": "websocket.send", "text": text}))
        else:
            message = {"type": "websocket.send", "bytes": bytes([channel]) + data}
            await self._tried(self._send(message))

    async def raw(self, data: bytes) -> None:
        """A message without a channel's number."""
        if not self.gone:
            await self._tried(self._send({"type": "websocket.send", "bytes": data}))

    async def close(self, code: int = 1000) -> None:
        if not self.gone:
            await self._tried(self._send({"type": "websocket.close", "code": code}))

    async def _tried(self, sending: Awaitable[None]) -> None:
        """Servers raise, each its own kind of error, when the client has left."""
        try:
            await sending
        except (OSError, RuntimeError):
            self.gone = True


class ChannelPeer:
    """The client of an exec, read by a task of its own so that waiting can end in time."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._inputs: asyncio.Queue[Input] = asyncio.Queue(WAITING)
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while (message := await self._wire.message()) is not None:
            if found := _input(message):
                await self._inputs.put(found)
        await self._inputs.put(Input("gone"))

    async def next(self, timeout: float | None) -> Input | None:
        if not self._inputs.empty():
            return self._inputs.get_nowait()
        try:
            return await asyncio.wait_for(self._inputs.get(), timeout)
        except TimeoutError:
            return None

    async def send(self, channel: int, data: bytes) -> None:
        await self._wire.send(channel, data)

    async def finish(self) -> None:
        self._reader.cancel()


def _input(message: bytes) -> Input | None:
    if not message:
        return None
    channel, data = message[0], message[1:]
    if channel == STDIN:
        return Input("data", data) if data else None
    if channel == CLOSE:
        return Input("end") if data[:1] == bytes([STDIN]) else None
    if channel == RESIZE:
        try:
            size = orjson.loads(data)
            return Input("resize", columns=int(size["Width"]), rows=int(size["Height"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None
    return None


async def run(streams: Streams, pod: Object, wanted: StreamRequest, wire: Wire) -> None:
    """Serve one exec or attach to its end."""
    peer = ChannelPeer(wire)
    try:
        status = outcome(await streams.run(pod, wanted, peer))
    except StatusError as error:
        status = failure(error)
    finally:
        await peer.finish()
    await wire.send(ERROR, _status_bytes(status, wire.protocol))
    await wire.close()


def _status_bytes(status: Object, protocol: str) -> bytes:
    """Before v4 the channel carried a plain text, and nothing on success."""
    if protocol[:3] in ("v4.", "v5."):
        return orjson.dumps(status)
    return str(status.get("message", "")).encode()


class Dialer(Protocol):
    async def __call__(self, port: int) -> Any: ...


async def forward(streams: Streams, pod: Object, ports: list[int], wire: Wire) -> None:
    """Port-forward as the Python clients do it: port i has channels 2i (data) and 2i+1 (errors),
    and both begin with the port as two bytes. Models portforward/websocket.go."""
    connections: list[Any] = []
    for at, port in enumerate(ports):
        number = port.to_bytes(2, "little")
        await wire.send(2 * at, number)
        await wire.send(2 * at + 1, number)
        connections.append(None)
    pumps: list[asyncio.Task[None]] = []
    while (message := await wire.message()) is not None:
        if not message or message[0] % 2 or message[0] // 2 >= len(ports) or len(message) < 2:
            continue
        at = message[0] // 2
        if connections[at] is None:
            try:
                connections[at] = await streams.dial(pod, ports[at])
            except OSError as error:
                await wire.send(2 * at + 1, dial_error(pod, ports[at], error))
                await wire.close()
                break
            pumps.append(asyncio.create_task(_pump(connections[at], wire, 2 * at)))
        await connections[at].send(message[1:])
    for connection in connections:
        if connection is not None:
            await connection.end()
    for pump in pumps:
        pump.cancel()


async def _pump(connection: Any, wire: Wire, channel: int) -> None:
    while data := await connection.receive():
        await wire.send(channel, data)
    await wire.close()


def dial_error(pod: Object, port: int, error: OSError) -> bytes:
    """In the words of the kubelet and socat."""
    uid = pod["metadata"]["uid"]
    why = (error.strerror or str(error)).lower()
    text = (
        f"error forwarding port {port} to pod {uid}, uid : failed to connect to localhost:{port} "
        f"inside namespace {uid}, IPv4: dial tcp4 127.0.0.1:{port}: connect: {why} "
    )
    return text.encode()


def no_such_protocol(offered: list[str]) -> StatusError:
    return errors.bad_request(
        f"unable to upgrade: unable to negotiate protocol: client supports {offered}, "
        f"server supports {list(EXEC_PROTOCOLS[:2])}"
    )
