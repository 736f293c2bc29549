"""An API server over a headless simulation, and a client of its websockets without a network."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from cluster.apiserver import writtenlogs
from cluster.apiserver.authn import Authenticator
from cluster.apiserver.http import ApiServer, build_app
from cluster.apiserver.operations import User
from cluster.apiserver.resources import PODS
from cluster.kubelet.logsource import RuntimeLogs
from cluster.kubelet.pictures import Pictures
from cluster.kubelet.streams import RuntimeStreams
from cluster.kubelet.surroundings import of_cacher
from cluster.machinery.clock import Anchor
from cluster.machinery.meta import Object
from cluster.simulation import Shape, Simulation
from cluster.simulation.door import door
from cluster.simulation.network import ClusterNetwork, recorder, writer

PAUSE = 0.01  # seconds between looks at a session that waits; cluster time passes meanwhile


class Cluster:
    """`simulation` is moved by the tests; a session's own waiting moves it too."""

    def __init__(self) -> None:
        self.simulation = Simulation(Shape(nodes=1))
        self.simulation.advance(60)
        users = {"admin": User("admin", ("system:masters",)), "bob": User("bob", ("devs",))}
        self.server = ApiServer(self.simulation.registry, Authenticator(users))
        self.forget()
        self.app = build_app(self.server)

    def forget(self) -> None:
        """As if the API server's process had started anew."""
        around = of_cacher(self.server.cacher)
        pictures = Pictures(around)
        clock, store = self.simulation.clock, self.simulation.store
        network = ClusterNetwork(around, pictures, clock, writer(store, clock))
        network.api = door(build_app(self.server))
        around.network = network
        written = partial(writtenlogs.lines, store)
        streams = RuntimeStreams(self.simulation.clock, self.find, self._pace, pictures, network)
        streams.record = recorder(self.server)
        self.server.streams = streams
        self.server.logs = RuntimeLogs(
            self.simulation.clock, self.find, lambda: Anchor(0, 0, 1), written, pictures
        )

    def find(self, namespace: str, name: str) -> Object | None:
        self.server.cacher.refresh()
        entry = self.server.cacher.get(PODS, namespace, name)
        return entry.decode() if entry is not None else None

    def _pace(self, moment: float) -> float:
        """Nobody waits: whoever would, moves the clock."""
        self.simulation.advance(max(0.0, moment - self.simulation.clock.now()))
        return 0.0

    def start(self, name: str = "p", image: str = "busybox", **spec: Any) -> None:
        containers = spec.pop("containers", None) or [
            {"name": "c", "image": image, **spec.pop("container", {"command": ["sleep", "3600"]})}
        ]
        meta = {"name": name, "namespace": "default", **spec.pop("metadata", {})}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta,
               "spec": {"containers": containers, **spec}}  # fmt: skip
        self.simulation.client.do_create(pod)
        self.simulation.advance(5)

    async def open(
        self, path: str, protocols: list[str], token: str = "admin", **query: Any
    ) -> Websocket:
        socket = Websocket(self.app, path, protocols, token, query)
        await socket.connect()
        return socket

    async def exec(
        self, *command: str, pod: str = "p", stdin: bytes | None = None,
        protocol: str = "v5.channel.k8s.io", **query: Any,
    ) -> Outcome:  # fmt: skip
        flags = {"stdout": "true", "stderr": "true", **query}
        if stdin is not None:
            flags["stdin"] = "true"
        path = f"/api/v1/namespaces/default/pods/{pod}/exec"
        socket = await self.open(path, [protocol], command=list(command), **flags)
        if stdin is not None:
            await socket.send(b"\x00" + stdin)
            await socket.send(b"\xff\x00")
        return await socket.outcome()


class Outcome:
    def __init__(self, messages: list[bytes]) -> None:
        def joined(channel: int) -> str:
            return b"".join(m[1:] for m in messages if m[0] == channel).decode()

        self.out, self.err = joined(1), joined(2)
        self.status = orjson.loads(joined(3) or "{}")
        causes = (self.status.get("details") or {}).get("causes") or [{"message": "0"}]
        self.code = int(causes[0]["message"])


class Websocket:
    def __init__(
        self, app: Any, path: str, protocols: list[str], token: str, query: dict[str, Any]
    ) -> None:
        self._scope = {
            "type": "websocket", "path": path, "subprotocols": protocols,
            "query_string": urlencode(query, doseq=True).encode(),
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = asyncio.create_task(app(self._scope, self._to_app.get, self._from_app.put))
        self.protocol = ""
        self.refused: tuple[int, Any] | None = None

    async def connect(self) -> None:
        await self._to_app.put({"type": "websocket.connect"})
        first = await self._next()
        if first["type"] == "websocket.accept":
            self.protocol = first["subprotocol"]
        else:
            body = await self._next()
            self.refused = (first["status"], orjson.loads(body["body"]))

    async def _next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._from_app.get(), 10)

    async def send(self, data: bytes) -> None:
        await self._to_app.put({"type": "websocket.receive", "bytes": data})

    async def receive(self) -> bytes | None:
        event = await self._next()
        return event["bytes"] if event["type"] == "websocket.send" else None

    async def outcome(self) -> Outcome:
        messages = []
        while (message := await self.receive()) is not None:
            messages.append(message)
        await self._task
        return Outcome(messages)

    async def leave(self) -> None:
        await self._to_app.put({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(self._task, 10)
