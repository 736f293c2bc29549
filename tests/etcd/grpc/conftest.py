"""The etcd API on a store of its own, over real TLS, and the real etcdctl to talk to it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.etcd.api import Hint
from cluster.etcd.grpc import tls
from cluster.etcd.grpc.face import Face, Identity
from cluster.etcd.grpc.lease import expire_in_time
from cluster.etcd.grpc.server import EtcdServer
from cluster.etcd.grpc.web import answer
from cluster.etcd.memoryarchive import MemoryArchive
from cluster.machinery import pki
from cluster.machinery.clock import VirtualClock


def needed(command: str, package: str) -> str:
    path = shutil.which(command)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs {command}: install {package}")
        pytest.skip(f"{command} is not installed (Debian: {package})")
    return path


def eventually(what: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return found


class Etcd:
    """The server in a thread of its own; `rejected` are the handshakes that failed."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        self.folder = folder
        self.pki = certificates / "etcd"
        self.other = certificates / "admin"
        self.clock = VirtualClock()
        self.store = MemoryArchive(hints=self._hint)
        self.rejected: list[tuple[str, str, str]] = []
        self.server: EtcdServer | None = None
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _hint(self, hint: Hint) -> None:
        if self.server is not None:
            self.server.hub.heard()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        identity = Identity(("https://127.0.0.1:2379",))
        face = Face(self.store, self.clock, identity)
        self.server = EtcdServer(face)
        path = self.folder / "s"
        await self.server.start(path)
        context = tls.context(self.pki / "server.crt", self.pki / "server.key", self.pki / "ca.crt")
        port = tls.Port(context, path, lambda *r: self.rejected.append(r), partial(answer, face))
        listener = await self._loop.create_server(lambda: tls.Connection(port), "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        expiring = self._loop.create_task(expire_in_time(face, lambda moment: 0.01))
        self._ready.set()
        await self._stop.wait()
        expiring.cancel()
        listener.close()
        await self.server.stop()

    # ---- etcdctl

    def command(self, *arguments: str) -> list[str]:
        return [
            needed("etcdctl", "etcd-client"), f"--endpoints=https://127.0.0.1:{self.port}",
            f"--cacert={self.pki / 'ca.crt'}", f"--cert={self.pki / 'healthcheck-client.crt'}",
            f"--key={self.pki / 'healthcheck-client.key'}", *arguments,
        ]  # fmt: skip

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "ETCDCTL_API": "3"}
        return subprocess.run(
            self.command(*arguments), env=env, input=stdin, capture_output=True, text=True,
            timeout=30, check=False,
        )  # fmt: skip

    def ctl(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ctl(*arguments, "-w", "json"))

    def watch(self, *arguments: str) -> subprocess.Popen[str]:
        """Started once the server knows of the watcher."""
        assert self.server is not None
        before = len(self.server.hub._synced)
        process = subprocess.Popen(
            self.command("watch", *arguments), env={**os.environ, "ETCDCTL_API": "3"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        hub = self.server.hub
        eventually(lambda: len(hub._synced) > before or process.poll() is not None)
        return process


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    pki.ensure(folder, datetime.now(UTC))
    return folder


@pytest.fixture
def etcd(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    made = Etcd(tmp_path_factory.mktemp("e"), certificates)
    made.start()
    yield made
    made.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next lines of a watch, then its end."""
    assert process.stdout is not None
    found = [process.stdout.readline().rstrip("\n") for _ in range(count)]
    process.terminate()
    process.wait(5)
    process.stdout.close()
    return found


@contextmanager
def real_etcd(folder: Path) -> Iterator[str]:
    """Its endpoint."""
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    process = subprocess.Popen(
        [
            needed("etcd", "etcd-server"), "--data-dir", str(folder), "--log-level=error",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--unsafe-no-fsync",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        command = [needed("etcdctl", "etcd-client"), f"--endpoints={client}", "endpoint", "health"]
        eventually(lambda: subprocess.run(command, capture_output=True).returncode == 0, 20)
        yield client
    finally:
        process.terminate()
        process.wait(10)
