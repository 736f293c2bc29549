"""An API server on the in-memory store, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from cluster.apiserver.authn import Authenticator, TokenKey
from cluster.apiserver.authz.defaults import default_objects
from cluster.apiserver.http import ApiServer, build_app
from cluster.apiserver.operations import User
from cluster.apiserver.registry import Registry
from cluster.client import Client
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy

TOKEN_KEY = TokenKey(ec.generate_private_key(ec.SECP256R1()))


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Caller:
    """`ask` sends one request as system:masters; watches end with their timeoutSeconds."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self._app = build_app(server)

    async def ask(
        self, method: str, path: str, body: Any = None, token: str = "admin", **headers: str
    ) -> Answer:
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        where, _, query = path.partition("?")
        pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        if token:
            pairs.append((b"authorization", f"Bearer {token}".encode()))
        scope = {"type": "http", "method": method, "path": where, "query_string": query.encode()}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app({**scope, "headers": pairs}, receive, send)
        shown = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return Answer(sent[0]["status"], shown, b"".join(m.get("body", b"") for m in sent[1:]))


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Caller]:
    clock = VirtualClock()
    registry = Registry(MemoryStore(), clock, Entropy(1))
    client = Client(registry, "system:bootstrap")
    for name in ("default", "team"):
        client.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        meta = {"name": "default", "namespace": name}
        client.do_create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    for obj in default_objects():
        if obj["metadata"].get("namespace", "default") == "default":
            client.create(obj)
    client.flush()
    users = {"admin": User("admin", ("system:masters",)), "bob": User("bob", ("devs",))}
    server = ApiServer(registry, Authenticator(users), token_key=TOKEN_KEY)
    yield Caller(server)
    server.close()
