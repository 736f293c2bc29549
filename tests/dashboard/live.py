"""A simulated cluster that runs in real time beside a real server, for tests with a browser."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import uvicorn

from cluster.client import Client, kinds
from cluster.simulation import Shape, Simulation
from dashboard import door, hub

STEP = 0.05


class RunningSimulation:
    """Advances a headless cluster as Clock/cluster says. One lock keeps people's writes and the
    components' runs apart."""

    def __init__(self, nodes: int) -> None:
        self.lock = threading.RLock()
        self.simulation = Simulation(Shape(nodes=nodes))
        self.simulation.advance(60)
        self._commit = self.simulation.registry.commit
        self.simulation.registry.commit = self._locked_commit  # type: ignore[method-assign]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _locked_commit(self, operations: Sequence[Any]) -> Any:
        with self.lock:
            return self._commit(operations)

    def client(self, name: str, groups: tuple[str, ...]) -> Client:
        return Client(self.simulation.registry, name, groups)

    def _run(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(STEP):
            now = time.monotonic()
            with self.lock:
                spec = self.simulation.client.get(kinds.CLOCKS, "", "cluster")["spec"]
                if not spec["paused"]:
                    self.simulation.advance((now - before) * spec["speed"])
                else:
                    self.simulation.settle()
            before = now

    def start(self) -> None:
        door.configure(self.client)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        door.configure(None)


class Server:
    """uvicorn in a thread, on a free port."""

    def __init__(self) -> None:
        from cluster.asgi import application

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = uvicorn.Config(
            application,
            host="127.0.0.1",
            port=self.port,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        hub._hub = None  # the last server's hub belongs to the last server's event loop
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
