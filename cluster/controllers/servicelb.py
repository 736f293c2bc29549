"""service-lb: Services of type LoadBalancer get an address from a simulated cloud.

Models cloud-provider/controllers/service. The cloud takes a moment, never fails, and hands out
addresses of the documentation range 203.0.113.0/24, then of 198.18.0.0/15. A Service that names a
loadBalancerClass waits for whoever implements that class.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import islice

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import Object, is_deleting, key_of, with_metadata

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
DELAY = 2.0  # seconds the cloud takes for a load balancer
RESERVED = 10  # the first addresses of the first range are somebody's routers


def addresses() -> Iterator[str]:
    first = (str(a) for a in islice(IPv4Network("203.0.113.0/24").hosts(), RESERVED - 1, None))
    yield from first
    yield from (str(a) for a in IPv4Network("198.18.0.0/15").hosts())


class ServiceLBController(Controller):
    name = "service-lb-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("service-controller")
        self.services = env.informers.lister(kinds.SERVICES)
        self._due: dict[str, float] = {}  # Services whose load balancer is being made
        self._given: dict[str, str] = {}  # address -> Service
        env.informers[kinds.SERVICES].add_handler(self._on_service)

    def _on_service(self, event: InformerEvent) -> None:
        old, new = event.old, event.new
        for address in _ingress(old) if old is not None else ():
            self._given.pop(address, None)
        for address in _ingress(new) if new is not None else ():
            self._given[address] = event.key
        if new is None:
            self._due.pop(event.key, None)
            return
        if wants(new) or FINALIZER in _finalizers(new):
            self.enqueue(event.key, event.revision)
        if old is not None and wants(old) != wants(new):
            kinds_of = (old["spec"].get("type"), new["spec"].get("type"))
            if kinds_of[0] != kinds_of[1] and not is_deleting(new):
                text = f"{kinds_of[0]} -> {kinds_of[1]}"
                self.recorder.event(new, "Normal", "Type", text)

    def reconcile(self, key: str) -> None:
        service = self.services.get(key)
        if service is None:
            return
        if is_deleting(service) or not wants(service):
            self._due.pop(key, None)
            self._clean_up(service)
        elif FINALIZER not in _finalizers(service):
            finalizers = [*_finalizers(service), FINALIZER]
            self.client.update(with_metadata(service, finalizers=finalizers), base=service)
        elif not _ingress(service):
            self._ensure(key, service)

    def _ensure(self, key: str, service: Object) -> None:
        now = self.clock.now()
        if key not in self._due:
            self._due[key] = now + DELAY
            text = "Ensuring load balancer"
            self.recorder.event(service, "Normal", "EnsuringLoadBalancer", text)
        if now < self._due[key]:
            self.queue.add_at(key, self._due[key])
            return
        del self._due[key]
        address = self._choose(service)
        self._given[address] = key
        ingress = [{"ip": address, "ipMode": "VIP"}]
        status = {**(service.get("status") or {}), "loadBalancer": {"ingress": ingress}}
        self.client.update_status({**service, "status": status}, base=service)
        self.recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")

    def _choose(self, service: Object) -> str:
        wish = service["spec"].get("loadBalancerIP", "")
        if wish and self._given.get(wish, key_of(service)) == key_of(service):
            return str(wish)
        return next(a for a in addresses() if a not in self._given)

    def _clean_up(self, service: Object) -> None:
        if FINALIZER not in _finalizers(service):
            return
        if _ingress(service) and not is_deleting(service):
            status = {**service["status"], "loadBalancer": {}}
            self._tell_deletion(service)
            self.client.update_status({**service, "status": status}, base=service)
            return  # its event makes the key dirty again
        if is_deleting(service):
            self._tell_deletion(service)
        left = [f for f in _finalizers(service) if f != FINALIZER]
        self.client.update(with_metadata(service, finalizers=left or None), base=service)

    def _tell_deletion(self, service: Object) -> None:
        self.recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
        self.recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")


def wants(service: Object) -> bool:
    spec = service["spec"]
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass")


def _finalizers(service: Object) -> list[str]:
    return service["metadata"].get("finalizers") or []


def _ingress(service: Object) -> list[str]:
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    return [i["ip"] for i in balancer.get("ingress") or () if i.get("ip")]
