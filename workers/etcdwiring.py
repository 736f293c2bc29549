"""The etcd face of the live mode: the store, the port, the hints, and its pod's log."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from functools import partial

import orjson
import uvloop
from django.conf import settings
from django.db import Error as DatabaseError

from cluster.apiserver import writtenlogs
from cluster.etcd.grpc import tls
from cluster.etcd.grpc.care import Retention, take_care
from cluster.etcd.grpc.face import Face, Identity
from cluster.etcd.grpc.lease import expire_in_time
from cluster.etcd.grpc.server import EtcdServer
from cluster.etcd.grpc.web import answer
from cluster.etcd.sqlarchive import SqlArchive
from cluster.machinery.clock import format_micro_time
from workers import connections, garbage
from workers.tailing import Tail
from workers.valkey import socket_path
from workers.wiring import Live, connect

log = logging.getLogger(__name__)
POD = ("kube-system", "etcd-minikube", "etcd")
SWITCH = 0.0005  # seconds; every SQL statement is a change of threads here
MOST_WAITING = 100  # rejected connections whose lines are not yet written


def run() -> None:
    """Until SIGTERM."""
    connections.one_a_thread()
    live = connect("api", driver=SqlArchive)
    assert isinstance(live.store, SqlArchive)
    garbage.tune()
    sys.setswitchinterval(SWITCH)
    uvloop.run(_serve(live, live.store))


async def _serve(live: Live, store: SqlArchive) -> None:
    identity = Identity((f"https://127.0.0.1:{settings.ETCD_PORT}",))
    face = Face(store, live.clock, identity, settings.ETCD_QUOTA, settings.DATA_DIR)
    server = EtcdServer(face)
    live.on_commit.append(server.hub.heard)  # our own commits need no way through Redis
    for leftover in settings.DATA_DIR.glob(".snapshot-*"):
        leftover.unlink(missing_ok=True)  # of a process that was killed
    socket = socket_path(settings.DATA_DIR, "etcd.sock")
    await server.start(socket)
    pki = settings.DATA_DIR / "pki" / "etcd"
    context = tls.context(pki / "server.crt", pki / "server.key", pki / "ca.crt")
    port = tls.Port(context, socket, PodLog(face).rejected, partial(answer, face))
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: tls.Connection(port), settings.HOST, settings.ETCD_PORT, backlog=512
    )
    tasks = [
        loop.create_task(Tail(live, settings.REDIS_URL, server.hub.heard).run()),
        loop.create_task(expire_in_time(face, lambda moment: _wall_until(live, moment))),
        loop.create_task(take_care(face, Retention.parse(settings.ETCD_RETENTION))),
    ]
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    listener.close()
    for task in tasks:
        task.cancel()
    await server.stop()
    socket.unlink(missing_ok=True)


def _wall_until(live: Live, moment: float) -> float | None:
    wall = live.clock.anchor.wall_at(moment)
    return None if wall is None else wall - time.time()


class PodLog:
    """What the etcd pod's log gains: the lines of etcd's own logger."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._tasks: set[asyncio.Task[None]] = set()

    def rejected(self, remote: str, server_name: str, error: str) -> None:
        fields = {"remote-addr": remote, "server-name": server_name, "error": error}
        self.warn("embed/config_logging.go:169", "rejected connection", fields)

    def warn(self, caller: str, text: str, fields: dict[str, str]) -> None:
        now = self._face.clock.now()
        head = {"level": "warn", "ts": format_micro_time(now), "caller": caller, "msg": text}
        line = writtenlogs.Line(now, orjson.dumps({**head, **fields}).decode())
        if len(self._tasks) < MOST_WAITING:
            task = asyncio.get_running_loop().create_task(self._write(line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _write(self, line: writtenlogs.Line) -> None:
        store = self._face.store
        try:
            await self._face.write(lambda: writtenlogs.append(store, *POD, line))
        except DatabaseError as error:
            log.warning("%s (not written to the pod's log: %s)", line.text, error)
