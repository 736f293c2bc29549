"""Where a connection ends: the rules that kube-proxy keeps on every node.

Models pkg/proxy (serviceChain, endpoint selection, session affinity, traffic policies).
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Any, Protocol
from zlib import crc32

from cluster.client import Resource, kinds
from cluster.machinery.errors import unavailable
from cluster.machinery.meta import Object

SERVICE_LABEL = "kubernetes.io/service-name"
LOCAL = ("127.0.0.1", "localhost", "::1")


class Objects(Protocol):
    """Reading the cluster's objects, by whatever cache there is."""

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...

    def list(self, resource: Resource, namespace: str) -> list[Object]: ...


@dataclass(frozen=True, slots=True)
class Destination:
    """`pod` is None for the API server itself."""

    pod: Object | None
    port: int


def ready_endpoints(objects: Objects, service: Object, unready: bool = False) -> list[Object]:
    meta = service["metadata"]
    out: list[Object] = []
    for entry in slices_of(objects, meta["namespace"], meta["name"]):
        for endpoint in entry.get("endpoints") or ():
            if unready or (endpoint.get("conditions") or {}).get("ready", True):
                out.append(endpoint)
    return out


def slices_of(objects: Objects, namespace: str, name: str) -> list[Object]:
    found = objects.list(kinds.ENDPOINT_SLICES, namespace)
    return [s for s in found if (s["metadata"].get("labels") or {}).get(SERVICE_LABEL) == name]


def refused() -> OSError:
    return ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


def timed_out() -> OSError:
    return TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def unreachable() -> OSError:
    return OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))


class Router:
    """One process's rules. Connections to a service go to its endpoints in turn, which is what
    iptables' chance comes to."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._turns: dict[str, int] = {}

    def route(self, address: str, port: int, client: Object | None) -> Destination:
        """Raises OSError as connect(2) would."""
        if address in LOCAL:
            if client is None:
                raise refused()
            return Destination(client, port)
        service = self._by_cluster_ip(address)
        if service is not None:
            return self._to_service(service, port, "port", client)
        if self._is_node(address):
            return self._to_node(address, port, client)
        pod = self._by_pod_ip(address)
        if pod is not None:
            return Destination(pod, port)
        if address.startswith(("10.96.", "10.97.", "10.98.", "10.99.", "10.10")):
            raise timed_out()
        raise unreachable()

    def _by_cluster_ip(self, address: str) -> Object | None:
        for service in self._objects.list(kinds.SERVICES, ""):
            spec = service["spec"]
            balanced = (service.get("status") or {}).get("loadBalancer") or {}
            others = [*(spec.get("externalIPs") or ()),
                      *(i.get("ip") for i in balanced.get("ingress") or ())]  # fmt: skip
            if address == spec.get("clusterIP") or address in others:
                return service
        return None

    def _by_pod_ip(self, address: str) -> Object | None:
        for pod in self._objects.list(kinds.PODS, ""):
            status = pod.get("status") or {}
            running = status.get("phase") == "Running" and not pod["spec"].get("hostNetwork")
            if running and status.get("podIP") == address:
                return pod
        return None

    def _is_node(self, address: str) -> bool:
        return any(
            a["address"] == address
            for node in self._objects.list(kinds.NODES, "")
            for a in (node.get("status") or {}).get("addresses") or ()
        )

    def _to_node(self, address: str, port: int, client: Object | None) -> Destination:
        for service in self._objects.list(kinds.SERVICES, ""):
            if any(p.get("nodePort") == port for p in service["spec"].get("ports") or ()):
                return self._to_service(service, port, "nodePort", client)
        for pod in self._objects.list(kinds.PODS, ""):
            if (pod.get("status") or {}).get("podIP") == address and pod["spec"].get("hostNetwork"):
                declared = [p.get("containerPort") for c in pod["spec"]["containers"]
                            for p in c.get("ports") or ()]  # fmt: skip
                if port in declared:
                    return Destination(pod, port)
        if port == 8443:
            return Destination(None, port)
        raise refused()

    def _to_service(
        self, service: Object, port: int, field: str, client: Object | None
    ) -> Destination:
        found = next((p for p in service["spec"].get("ports") or () if p.get(field) == port), None)
        if found is None:
            raise timed_out() if field == "port" else refused()
        meta = service["metadata"]
        if meta["namespace"] == "default" and meta["name"] == "kubernetes":
            return Destination(None, port)
        return self.pick(service, found, client)

    def pick(self, service: Object, port: Object, client: Object | None) -> Destination:
        """One of the ready endpoints. Without any, the connection is rejected."""
        choices = self._choices(service, port, client)
        if not choices:
            raise refused()
        meta = service["metadata"]
        key = f"{meta['namespace']}/{meta['name']}:{port.get('name', '')}"
        if service["spec"].get("sessionAffinity") == "ClientIP" and client is not None:
            turn = crc32(str((client.get("status") or {}).get("podIP", "")).encode())
        else:
            turn = self._turns.get(key, 0)
            self._turns[key] = turn + 1
        return choices[turn % len(choices)]

    def _choices(self, service: Object, port: Object, client: Object | None) -> list[Destination]:
        meta, out = service["metadata"], []
        local = service["spec"].get("internalTrafficPolicy") == "Local" and client is not None
        node = client["spec"].get("nodeName") if client is not None else None
        for entry in slices_of(self._objects, meta["namespace"], meta["name"]):
            number = _number(entry, port)
            if number is None:
                continue
            for endpoint in entry.get("endpoints") or ():
                ready = (endpoint.get("conditions") or {}).get("ready", True)
                if not ready or (local and endpoint.get("nodeName") != node):
                    continue
                pod = self._target(endpoint, meta["namespace"])
                if pod is not None:
                    out.append(Destination(pod, number))
        return out

    def _target(self, endpoint: Object, namespace: str) -> Object | None:
        reference: dict[str, Any] = endpoint.get("targetRef") or {}
        if reference.get("kind") == "Pod":
            where = reference.get("namespace") or namespace
            return self._objects.find(kinds.PODS, where, reference["name"])
        addresses = endpoint.get("addresses") or [""]
        return self._by_pod_ip(addresses[0])


def _number(entry: Object, port: Object) -> int | None:
    """The endpoints' port that belongs to a service's port, by name."""
    for candidate in entry.get("ports") or ():
        if candidate.get("name", "") == port.get("name", ""):
            return int(candidate["port"])
    return None


def service_port(service: Object, wanted: str) -> Object:
    """A service's port by number or name; the only one when none is named. Models
    registry/core/service/storage (ResourceLocation). Raises StatusError."""
    ports: list[Object] = service["spec"].get("ports") or []
    for port in ports:
        if wanted in (str(port["port"]), port.get("name")) or (not wanted and len(ports) == 1):
            return port
    name = service["metadata"]["name"]
    raise unavailable(f'no service port "{wanted}" found for service "{name}"')


def pod_port(pod: Object, wanted: str) -> int:
    """A pod's port by number or name; its first one when none is named."""
    if wanted.isdigit():
        return int(wanted)
    for spec in pod["spec"]["containers"]:
        for port in spec.get("ports") or ():
            if not wanted or port.get("name") == wanted:
                return int(port["containerPort"])
    return 80
