"""CoreDNS's kubernetes plugin: names of services and pods. Models the DNS-based service
discovery specification 1.1."""

from __future__ import annotations

import re

from cluster.client import kinds
from cluster.machinery.meta import Object
from cluster.proxy.routes import Objects, ready_endpoints

DOMAIN = "cluster.local"
NDOTS = 5
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
API_NAMES = ("control-plane.minikube.internal", "host.minikube.internal")


class Dns:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def resolve(self, name: str, namespace: str) -> list[str]:
        """The addresses of a name as a pod of that namespace sees it; none: NXDOMAIN."""
        return self.canonical(name, namespace)[1]

    def canonical(self, name: str, namespace: str) -> tuple[str, list[str]]:
        """(the full name that was found, its addresses)."""
        if ADDRESS.fullmatch(name):
            return name, [name]
        if name == "localhost":
            return name, ["127.0.0.1"]
        for full in self._candidates(name.lower(), namespace):
            found = self._lookup(full, namespace)
            if found:
                return full, found
        return name, []

    def _candidates(self, name: str, namespace: str) -> list[str]:
        """resolv.conf's search list; names with many dots are tried as they are first."""
        if name.endswith("."):
            return [name[:-1]]
        searched = [f"{name}.{s}" for s in (f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)]
        return [name, *searched] if name.count(".") >= NDOTS else [*searched, name]

    def _lookup(self, full: str, namespace: str, hops: int = 0) -> list[str]:
        if not full.endswith(f".{DOMAIN}") or hops > 8:
            return []
        labels = full.removesuffix(f".{DOMAIN}").split(".")
        if len(labels) == 3 and labels[2] == "svc":
            return self._service(labels[0], labels[1], hops)
        if len(labels) == 4 and labels[3] == "svc":
            return self._endpoint(labels[0], labels[1], labels[2])
        if len(labels) == 3 and labels[2] == "pod":
            address = labels[0].replace("-", ".")
            return [address] if ADDRESS.fullmatch(address) else []
        return []

    def _service(self, name: str, namespace: str, hops: int) -> list[str]:
        service = self._objects.find(kinds.SERVICES, namespace, name)
        if service is None:
            return []
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            target = str(spec.get("externalName", ""))
            return self._lookup(target, namespace, hops + 1)
        if spec.get("clusterIP") not in (None, "", "None"):
            return [str(spec["clusterIP"])]
        unready = bool(spec.get("publishNotReadyAddresses"))
        return [a for a, _ in self._addresses(service, unready)]

    def external(self, name: str, namespace: str) -> str:
        """What an ExternalName service stands for, or ""."""
        parts = name.split(".")
        found = self._objects.find(
            kinds.SERVICES, parts[1] if len(parts) > 1 else namespace, parts[0]
        )
        if found is None or found["spec"].get("type") != "ExternalName":
            return ""
        return str(found["spec"].get("externalName", ""))

    def _addresses(self, service: Object, unready: bool) -> list[tuple[str, str]]:
        """(address, hostname) of a headless service's endpoints."""
        out = []
        for endpoint in ready_endpoints(self._objects, service, unready):
            out += [(a, endpoint.get("hostname", "")) for a in endpoint["addresses"]]
        return sorted(out)

    def _endpoint(self, host: str, name: str, namespace: str) -> list[str]:
        service = self._objects.find(kinds.SERVICES, namespace, name)
        if service is None or service["spec"].get("clusterIP") != "None":
            return []
        unready = bool(service["spec"].get("publishNotReadyAddresses"))
        found = self._addresses(service, unready)
        return [a for a, h in found if h == host or a.replace(".", "-") == host]

    def reverse(self, address: str) -> str:
        for service in self._objects.list(kinds.SERVICES, ""):
            if service["spec"].get("clusterIP") == address:
                meta = service["metadata"]
                return f"{meta['name']}.{meta['namespace']}.svc.{DOMAIN}"
        return ""
