"""endpointslice: what stands behind a Service, a hundred addresses a slice.

Slices that stay as they are, are not written; new endpoints fill slices that change anyway, then
the fullest that has room, then new ones. Models k8s.io/endpointslice/reconciler.go.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import podutil, servicepods
from cluster.machinery.meta import (
    Object,
    annotations_of,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
)

PER_SLICE = 100
SERVICE = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
ZONE = "topology.kubernetes.io/zone"


class EndpointSliceController(Controller):
    name = "endpointslice-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.index = servicepods.ServiceIndex(env, self.enqueue)
        self.nodes = env.informers.lister(kinds.NODES)
        self.slices = env.informers.lister(kinds.ENDPOINT_SLICES)
        self.slices.add_index("service", _service_of)
        self._stamp = ""  # the trigger time of the Service that is being worked on
        env.informers[kinds.ENDPOINT_SLICES].add_handler(self._on_slice)

    def _on_slice(self, event: InformerEvent) -> None:
        """Somebody deleted or changed one of ours."""
        if event.type != "ADDED":
            for key in _service_of(event.obj):
                self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        own = self.slices.by_index("service", key)
        service = self.index.services.get(key)
        if service is None or is_deleting(service):
            for found in own:
                if not is_deleting(found):
                    self.client.delete(found)
            return
        if not service["spec"].get("selector") or service["spec"]["type"] == "ExternalName":
            return
        pods = self.index.select(service)
        self._stamp = servicepods.trigger_time(service, pods)
        wanted = servicepods.grouped(service, pods)
        by_ports: dict[servicepods.PortTuple, list[Object]] = {}
        for found in own:
            by_ports.setdefault(_ports_key(found), []).append(found)
        groups = {_as_key(ports): (ports, pods) for ports, pods in wanted.items()}
        for ports_key in list(by_ports):
            if ports_key not in groups and (groups or len(by_ports) > 1):
                for found in by_ports.pop(ports_key):
                    self.client.delete(found)
        if not groups:
            self._empty(service, own)
        for ports_key, (ports, pods) in groups.items():
            endpoints = {p["status"]["podIP"]: self._endpoint(service, p) for p in pods}
            self._place(service, ports, endpoints, by_ports.get(ports_key, []))

    def _empty(self, service: Object, own: list[Object]) -> None:
        """A Service without pods has one empty slice."""
        for extra in own[1:]:
            self.client.delete(extra)
        if own:
            self._write(service, own[0], [])
        else:
            self._create(service, (), [])

    def _place(
        self,
        service: Object,
        ports: servicepods.PortTuple,
        wanted: dict[str, dict[str, Any]],
        slices: list[Object],
    ) -> None:
        left = dict(wanted)
        plans: list[tuple[Object, list[dict[str, Any]], bool]] = []
        for found in slices:
            kept = []
            for endpoint in found.get("endpoints") or ():
                new = left.pop(endpoint["addresses"][0], None)
                if new is not None:
                    kept.append(new)
            plans.append((found, kept, kept != (found.get("endpoints") or [])))
        fresh = list(left.values())
        plans.sort(key=lambda plan: (not plan[2], -len(plan[1])))
        for found, kept, changed in plans:
            if changed or len(slices) == 1 or len(kept) + len(fresh) <= PER_SLICE:
                room = PER_SLICE - len(kept)
                kept += fresh[:room]
                fresh = fresh[room:]
            if kept or len(slices) == 1:
                self._write(service, found, kept)
            else:
                self.client.delete(found)
        for at in range(0, len(fresh), PER_SLICE):
            self._create(service, ports, fresh[at : at + PER_SLICE])

    def _labels(self, service: Object) -> dict[str, str]:
        labels = {**labels_of(service), SERVICE: name_of(service), MANAGED_BY: CONTROLLER}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        return labels

    def _create(
        self, service: Object, ports: servicepods.PortTuple, endpoints: list[dict[str, Any]]
    ) -> None:
        self.client.create(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "generateName": f"{name_of(service)}-",
                    "namespace": namespace_of(service),
                    "labels": self._labels(service),
                    "annotations": {servicepods.TRIGGER: self._stamp},
                    "ownerReferences": [controller_ref(service)],
                },
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": servicepods.port_list(ports),
            }
        )

    def _write(self, service: Object, found: Object, endpoints: list[dict[str, Any]]) -> None:
        labels = self._labels(service)
        if (found.get("endpoints") or []) == endpoints and labels_of(found) == labels:
            return
        annotations = {**annotations_of(found), servicepods.TRIGGER: self._stamp}
        meta = {**found["metadata"], "labels": labels, "annotations": annotations}
        self.client.update({**found, "metadata": meta, "endpoints": endpoints}, base=found)

    def _endpoint(self, service: Object, pod: Object) -> dict[str, Any]:
        serving, terminating = podutil.is_ready(pod), is_deleting(pod)
        everyone = bool(service["spec"].get("publishNotReadyAddresses"))
        out: dict[str, Any] = {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {
                "ready": everyone or (serving and not terminating),
                "serving": serving,
                "terminating": terminating,
            },
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": servicepods.target_ref(pod),
        }
        node = self.nodes.get(pod["spec"]["nodeName"])
        if node is not None and (zone := labels_of(node).get(ZONE)):
            out["zone"] = zone
        if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == name_of(service):
            out["hostname"] = pod["spec"]["hostname"]
        return out


def _service_of(found: Object) -> tuple[str, ...]:
    """The key of the Service a slice of ours belongs to."""
    labels = labels_of(found)
    if labels.get(MANAGED_BY) != CONTROLLER or SERVICE not in labels:
        return ()
    return (f"{namespace_of(found)}/{labels[SERVICE]}",)


def _as_key(ports: servicepods.PortTuple) -> servicepods.PortTuple:
    return tuple(sorted(ports))


def _ports_key(found: Object) -> servicepods.PortTuple:
    return tuple(
        sorted(
            (p.get("name", ""), (p.get("port"), p.get("protocol", "TCP"), p.get("appProtocol")))
            for p in found.get("ports") or ()
        )
    )
