"""The cluster around a container: what programs may ask it, and what they get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cluster.apiserver.resources import Resource
from cluster.machinery.meta import Object

Objects = list[Object]  # `list` is a method's name in Surroundings


class Reply(Protocol):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Network(Protocol):
    """The cluster's network as one pod sees it. Failures are OSErrors with the kernel's texts:
    ConnectionRefusedError, TimeoutError; a name that nobody knows resolves to nothing."""

    def resolve(self, name: str, pod: Object | None) -> list[str]: ...

    def reach(self, address: str, port: int, pod: Object | None) -> None:
        """Nothing, if somebody listens there. Raises OSError."""
        ...

    def ask(
        self, address: str, port: int, method: str, path: str, headers: dict[str, str],
        body: bytes, pod: Object | None,
    ) -> Reply: ...  # fmt: skip


# What a listening program does with a request: method, path, headers, body.
Handler = Callable[[str, str, dict[str, str], bytes], Reply]


class Surroundings(Protocol):
    """The cluster around a container."""

    @property
    def network(self) -> Network | None: ...

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...

    def list(self, resource: Resource, namespace: str) -> Objects: ...

    def journal(self, pod: Object) -> Objects:
        """The JournalEntries of the pod's namespace, or at least the pod's."""
        ...

    def token(self, pod: Object, audience: str, seconds: int) -> str:
        """A service account's token for the pod."""
        ...
