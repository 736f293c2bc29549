"""Composition root of the live mode: the store, the clock and the registry of a process.

Every process of a cluster builds its own from the same settings; what they share is the log, and
Redis to tell each other of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from cluster.apiserver.registry import Registry
from cluster.client import Client, kinds
from cluster.etcd.api import Hint
from cluster.etcd.sql import SqlStore
from cluster.etcd.ticket import Priority
from cluster.machinery.clock import Anchor, LiveClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object
from workers.announcer import Announcer
from workers.celery import send
from workers.switchboard import Switchboard

CLOCK = kinds.CLOCKS.key("", "cluster")


@dataclass(slots=True)
class Live:
    """This process's access to the cluster."""

    store: SqlStore
    clock: LiveClock
    registry: Registry
    board: Switchboard
    on_commit: list[Callable[[], None]] = field(default_factory=list)  # called in any thread

    def client(self, name: str, groups: tuple[str, ...] = ()) -> Client:
        return Client(self.registry, name, groups)

    def follow_clock(self) -> None:
        """Take over the pace that Clock/cluster says."""
        found = self.registry.find(kinds.CLOCKS, "", "cluster")
        if found is not None:
            set_anchor(self.clock, found)


def set_anchor(clock: LiveClock, obj: Object) -> None:
    anchor = (obj.get("status") or {}).get("anchor")
    if anchor:
        clock.set_anchor(Anchor(**anchor))


def switchboard() -> Switchboard:
    return Switchboard(settings.CLUSTER, settings.REDIS_URL, send)


def connect(priority: Priority = "api", own: str = "", driver: type[SqlStore] = SqlStore) -> Live:
    """`own`: the component this process runs, which need not be told of its own commits."""
    board, clock = switchboard(), LiveClock()
    announce = Announcer(board, own)
    live: Live

    def spread(hint: Hint) -> None:
        if CLOCK in hint.keys:
            live.follow_clock()
        announce(hint)
        for heard in live.on_commit:
            heard()

    store = driver(settings.CLUSTER, spread, priority)
    live = Live(store, clock, Registry(store, clock, Entropy()), board)
    live.follow_clock()
    return live
