"""How components run: level-driven parts over shared informers and one batch of writes.

    sync informers -> handlers mark keys dirty -> parts work off what is dirty or due
         ^                                                    |
         +---- flush the batch (one transaction) <------------+      until nothing is left

After a flush the caches contain one's own writes before any key is worked on again, so a
reconcile never needs to remember what it has just done. `run` returns the next moment (cluster
time) at which there is something to do.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from cluster.apiserver.resources import Resource
from cluster.client.client import Client
from cluster.client.informer import Informers
from cluster.client.recorder import EventRecorder
from cluster.machinery.clock import Clock
from cluster.machinery.entropy import Entropy
from cluster.machinery.errors import StatusError
from cluster.machinery.workqueue import WorkQueue

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Env:
    """What a component is given."""

    client: Client
    informers: Informers
    clock: Clock
    entropy: Entropy

    def recorder(self, component: str, host: str = "") -> EventRecorder:
        return EventRecorder(self.client, self.clock, component, host)


class Part(Protocol):
    """One worker inside a component: a controller, the scheduling queue, the kubelets' pods."""

    @property
    def name(self) -> str: ...

    def process(self, now: float) -> bool:
        """Work off what is dirty or due; True when there was anything."""
        ...

    def next_deadline(self) -> float | None: ...


class Controller(ABC):
    """A textbook reconciler: handlers call `self.enqueue`, `reconcile` gets one key at a time.

    A StatusError raised by `reconcile`, or by a write it queued, makes the key dirty again after
    its back-off; success forgets the back-off.
    """

    name: ClassVar[str]

    def __init__(self, env: Env) -> None:
        self.env = env
        self.client = env.client
        self.informers = env.informers
        self.clock = env.clock
        self.recorder = env.recorder(self.name)
        self.queue = WorkQueue()
        self._tried: dict[str, int] = {}  # key -> its failures before it was worked on

    @abstractmethod
    def reconcile(self, key: str) -> None: ...

    def enqueue(self, key: str, cause: int = 0) -> None:
        self.queue.add(key, cause)

    def process(self, now: float) -> bool:
        self._forget_successes()
        batch = self.queue.drain(now)
        for key, cause in batch:
            self.client.acting(self.name, key, cause, self._retry(key))
            self._tried[key] = self.queue.failures(key)
            try:
                self.reconcile(key)
            except StatusError as error:
                self._failed(key, error)
        return bool(batch)

    def _forget_successes(self) -> None:
        """By now the writes of the last round are flushed: what has not failed, succeeded."""
        for key, failures in self._tried.items():
            if failures == self.queue.failures(key):
                self.queue.forget(key)
        self._tried.clear()

    def _retry(self, key: str) -> Callable[[StatusError], None]:
        """Of the writes of one reconcile that fail, only the first raises the back-off."""
        failed = False

        def first(error: StatusError) -> None:
            nonlocal failed
            if not failed:
                failed = True
                self._failed(key, error)

        return first

    def _failed(self, key: str, error: StatusError) -> None:
        if error.code == 404 or error.reason in ("Conflict", "AlreadyExists"):
            log.debug("%s: %s: %s", self.name, key, error.message)
        else:
            log.warning("%s: %s: %s", self.name, key, error.message)
        self.queue.retry(key, self.clock.now())

    def next_deadline(self) -> float | None:
        return self.queue.next_deadline()


class Component:
    """One process' worth of parts, e.g. kube-controller-manager."""

    def __init__(self, name: str, env: Env, parts: list[Part]) -> None:
        self.name = name
        self.env = env
        self.parts = parts

    @property
    def interests(self) -> frozenset[Resource]:
        """A change of one of these is a reason to run."""
        return self.env.informers.resources

    def run(self, now: float) -> float | None:
        """Work until quiet. Raises FencedError when another process has taken over."""
        while True:
            changed = self.env.informers.sync()
            worked = False
            for part in self.parts:
                worked = part.process(now) or worked
            written = self.env.client.flush()
            if not changed and not worked and not written:
                break
            now = max(now, self.env.clock.now())
        deadlines = [d for part in self.parts if (d := part.next_deadline()) is not None]
        return min(deadlines, default=None)
