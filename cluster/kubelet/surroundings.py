"""The cluster as a container sees it: what its volumes and variables are made of, its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from cluster.apiserver.cacher import Cacher
from cluster.apiserver.resources import JOURNAL, Resource
from cluster.client import Client
from cluster.machinery.clock import LiveClock
from cluster.machinery.meta import Object
from cluster.runtime.around import Network

Objects = list[Object]  # `list` is a method's name below


def _no_token(pod: Object, audience: str, seconds: int) -> str:
    """Where nobody signs tokens: something that looks as long."""
    return sha256(f"{pod['metadata']['uid']}/{audience}".encode()).hexdigest()


@dataclass(slots=True)
class ClusterSurroundings:
    """`look` and `every` read whatever cache the process has."""

    look: Callable[[Resource, str, str], Object | None]
    every: Callable[[Resource, str], list[Object]]
    network: Network | None = None
    sign: Callable[[Object, str, int], str] = _no_token
    entries: Callable[[Object], Objects] | None = None
    log: Callable[[Object, str, float, str], None] | None = None  # a line that nobody can repeat

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.look(resource, namespace, name)

    def list(self, resource: Resource, namespace: str) -> Objects:
        return self.every(resource, namespace)

    def journal(self, pod: Object) -> Objects:
        if self.entries is not None:
            return self.entries(pod)
        return self.every(JOURNAL, pod["metadata"]["namespace"])

    def token(self, pod: Object, audience: str, seconds: int) -> str:
        return self.sign(pod, audience, seconds)


def of_cacher(cacher: Cacher, network: Network | None = None) -> ClusterSurroundings:
    """An API server's: from its watch cache."""

    def look(resource: Resource, namespace: str, name: str) -> Object | None:
        entry = cacher.get(resource, namespace, name)
        return entry.decode() if entry is not None else None

    def every(resource: Resource, namespace: str) -> list[Object]:
        prefix = resource.namespace_prefix(namespace)
        return [entry.decode() for entry in cacher.shelf(resource).select(prefix)]

    return ClusterSurroundings(look, every, network)


def of_client(client: Client, network: Network | None = None) -> ClusterSurroundings:
    """A kubelet's: asked for when a container needs it, so that nobody has to keep it all."""
    return ClusterSurroundings(client.registry.find, client.registry.list_all, network)


STOPPED = 3600.0


def pace(clock: LiveClock) -> Callable[[float], float]:
    """Seconds outside the cluster until a moment in it."""

    def until(moment: float) -> float:
        speed = clock.anchor.speed
        return (moment - clock.now()) / speed if speed > 0 else STOPPED

    return until
