"""Where a webhook's Service can be reached from this process.

Simulated pods do not listen on the machine's network. A Service may say where the program that
stands for its pods does: annotation `orrery.sim/endpoint: host:port`, or type ExternalName.
"""

from __future__ import annotations

from typing import Protocol

from cluster.apiserver.resources import SERVICES, Resource
from cluster.machinery.meta import Object

ENDPOINT = "orrery.sim/endpoint"


class Unreachable(Exception):
    """In the words of Go's dialer or of the service resolver."""


class Source(Protocol):
    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...


class Resolver(Protocol):
    """(host, port) to dial for a port of a Service. Raises Unreachable."""

    def resolve(self, namespace: str, name: str, port: int) -> tuple[str, int]: ...


class ServiceResolver:
    def __init__(self, source: Source) -> None:
        self._source = source

    def resolve(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        service = self._source.find(SERVICES, namespace, name)
        if service is None:
            raise Unreachable(f'service "{name}" not found')
        endpoint = (service["metadata"].get("annotations") or {}).get(ENDPOINT, "")
        host, _, given = endpoint.rpartition(":")
        if host and given.isdigit():
            return host.strip("[]"), int(given)
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return spec["externalName"], port
        if not any(p.get("port") == port for p in spec.get("ports") or ()):
            raise Unreachable(f'no service port {port} found for service "{name}"')
        address = spec.get("clusterIP") or "None"
        if address == "None":
            raise Unreachable(f'no endpoints available for service "{name}"')
        raise Unreachable(f"dial tcp {address}:{port}: connect: connection refused")
