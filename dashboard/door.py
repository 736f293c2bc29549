"""The dashboard's one door to the cluster: the composition root opens it, views walk through.

`configure` is called once at start-up with a factory that makes a Client for a user name and
groups; everything here reads and writes through such a Client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from cluster.client import Client
from cluster.machinery.meta import Object

ClientFactory = Callable[[str, tuple[str, ...]], Client]
Wake = Callable[[], None]
# Runs for ever in the hub's event loop and calls `wake` when there may be new revisions.
Listener = Callable[[Wake], Awaitable[None]]


class Logs(Protocol):
    """Where containers' logs come from."""

    def tail(self, pod: Object, container: str, lines: int) -> Iterable[str]: ...


class Closed(Exception):
    """Nobody has configured the door: this process has no cluster."""


@dataclass(slots=True)
class _Door:
    clients: ClientFactory | None = None
    listener: Listener | None = None
    logs: Logs | None = None


_door = _Door()


def configure(
    clients: ClientFactory | None, listener: Listener | None = None, logs: Logs | None = None
) -> None:
    """`listener` tells of new revisions; without one the hub looks once a second."""
    _door.clients, _door.listener, _door.logs = clients, listener, logs


def is_open() -> bool:
    return _door.clients is not None


def client(name: str, groups: tuple[str, ...] = ()) -> Client:
    if _door.clients is None:
        raise Closed
    return _door.clients(name, groups)


def listener() -> Listener | None:
    return _door.listener


def logs() -> Logs | None:
    return _door.logs
