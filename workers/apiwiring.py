"""The API server of the live mode: registry, watch cache, logs, and the hints that wake watches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.conf import settings

from cluster.apiserver import writtenlogs
from cluster.apiserver.authn import Authenticator, TokenKey
from cluster.apiserver.http import ApiServer, build_app
from cluster.apiserver.resources import PODS
from cluster.etcd.sqlarchive import SqlArchive
from cluster.kubelet.logsource import RuntimeLogs
from cluster.kubelet.pictures import Pictures
from cluster.kubelet.streams import RuntimeStreams
from cluster.kubelet.surroundings import of_cacher, pace
from cluster.machinery import pki
from cluster.machinery.meta import Object
from cluster.simulation import etcdtool
from cluster.simulation.door import door
from cluster.simulation.network import ClusterNetwork, recorder, writer
from cluster.simulation.questions import SchedulerQuestions
from workers.tailing import Tail
from workers.tokens import read_tokens
from workers.wiring import Live, connect

App = Callable[[Any, Any, Any], Awaitable[None]]


def api_server(live: Live | None = None) -> tuple[ApiServer, Live]:
    live = live or connect("api", driver=SqlArchive)
    address = f"{settings.HOST}:{settings.API_PORT}"
    tokens = read_tokens(settings.DATA_DIR / "pki" / "tokens.csv")
    key = TokenKey(pki.load_key(settings.DATA_DIR / "pki" / "sa.key"))
    server = ApiServer(live.registry, Authenticator(tokens), None, address, key)

    def find(namespace: str, name: str) -> Object | None:
        entry = server.cacher.get(PODS, namespace, name)
        return entry.decode() if entry is not None else None

    server.questions = SchedulerQuestions(live.registry)
    around = of_cacher(server.cacher)
    if server.tokens is not None:
        around.sign = server.tokens.of_pod
    pictures = Pictures(around)
    network = ClusterNetwork(around, pictures, live.clock, writer(live.store, live.clock))
    network.api = door(build_app(server))
    around.network = network
    written = partial(writtenlogs.lines, live.store)
    server.logs = RuntimeLogs(live.clock, find, lambda: live.clock.anchor, written, pictures)
    if isinstance(live.store, SqlArchive):
        pki_of_etcd = settings.DATA_DIR / "pki" / "etcd"
        etcdtool.install(
            etcdtool.World(live.store, live.clock.now, pki_of_etcd, settings.ETCD_QUOTA)
        )
    streams = RuntimeStreams(live.clock, find, pace(live.clock), pictures, network)
    streams.record = recorder(server)
    server.streams = streams
    return server, live


def with_hints(server: ApiServer, live: Live) -> App:
    """The application; its first request starts following the hints in the server's own loop."""
    app = build_app(server)
    started: list[asyncio.Task[None]] = []

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if not started:
            tail = Tail(live, settings.REDIS_URL, server.hint)
            started.append(asyncio.get_running_loop().create_task(tail.run()))
        await app(scope, receive, send)

    return wrapped
