"""The whole cluster in one process: every component, the in-memory store, a virtual clock.

Nothing waits: when all components are quiet, time jumps to the next deadline. Same seed and same
calls, same log, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from cluster import controllers, kubelet, scheduler
from cluster.apiserver.leases import expire
from cluster.apiserver.registry import Registry
from cluster.client import Client, Component, Env, Informers
from cluster.etcd.memory import MemoryStore
from cluster.kubelet.surroundings import ClusterSurroundings
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.simulation.bootstrap import Shape, bootstrap
from cluster.simulation.network import surroundings

MAX_ROUNDS = 10_000


class Livelock(Exception):
    """Components keep each other busy without time passing."""


class Simulation:
    """`client` is the user's door. `advance` lets time pass; `settle` only what is due now."""

    def __init__(self, shape: Shape | None = None, seed: int = 0) -> None:
        self.clock = VirtualClock()
        self.entropy = Entropy(seed)
        self.store = MemoryStore()
        self.registry = Registry(self.store, self.clock, self.entropy)
        self.informers = Informers(self.registry)
        self.client = Client(self.registry, "kubernetes-admin")
        self.components: list[Component] = [
            scheduler.build(self._env("system:kube-scheduler")),
            controllers.build(self._env("system:kube-controller-manager")),
            kubelet.build(self._env("system:nodes"), around=self._around()),
        ]
        self._deadlines: dict[str, float | None] = {c.name: None for c in self.components}
        self._seen: dict[str, int] = {c.name: -1 for c in self.components}
        bootstrap(Client(self.registry, "system:orrery:bootstrap"), shape or Shape())

    def _env(self, name: str) -> Env:
        return Env(Client(self.registry, name), self.informers, self.clock, self.entropy)

    def _around(self) -> ClusterSurroundings:
        """The cluster as containers see it."""
        client = Client(self.registry, "system:nodes")
        return surroundings(client, self.clock, self.store)

    def settle(self) -> None:
        """Run components until none has anything to do at this moment."""
        for _ in range(MAX_ROUNDS):
            if not self._round():
                return
        raise Livelock

    def _round(self) -> bool:
        now, worked = self.clock.now(), False
        expire(self.store, now)
        for component in self.components:
            deadline = self._deadlines[component.name]
            due = deadline is not None and deadline <= now
            if not due and self._seen[component.name] == self.store.revision():
                continue
            self._deadlines[component.name] = component.run(now)
            self._seen[component.name] = self.store.revision()
            worked = True
        return worked

    def next_deadline(self) -> float | None:
        pending = [d for d in self._deadlines.values() if d is not None]
        expiry = self.store.next_expiry()
        return min(pending if expiry is None else [*pending, expiry], default=None)

    def advance(self, seconds: float) -> None:
        """Let `seconds` of cluster time pass, and everything that is due in them happen."""
        self._run_to(self.clock.now() + seconds, lambda: False)

    def run_until(self, reached: Callable[[], bool], within: float) -> bool:
        """Let time pass until `reached()`; False when it did not come true `within` seconds."""
        return self._run_to(self.clock.now() + within, reached)

    def _run_to(self, end: float, reached: Callable[[], bool]) -> bool:
        while True:
            self.settle()
            if reached():
                return True
            deadline = self.next_deadline()
            if deadline is None or deadline > end:
                self.clock.advance_to(end)
                return False
            self.clock.advance_to(deadline)

    def digest(self) -> str:
        """A hash of the whole revision log."""
        out = sha256()
        for event in self.store.events(0):
            out.update(b"%d %b " % (event.revision, event.key))
            out.update(event.value if event.value is not None else b"-")
        return out.hexdigest()
