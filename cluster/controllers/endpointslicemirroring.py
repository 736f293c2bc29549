"""endpointslicemirroring: Endpoints that somebody wrote by hand, as EndpointSlices.

Only for Services without a selector; those with one have slices of their own.
Models pkg/controller/endpointslicemirroring.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import (
    Object,
    annotations_of,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
)

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MIRRORING = "endpointslicemirroring-controller.k8s.io"
SERVICE = "kubernetes.io/service-name"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
OURS = ("endpoints.kubernetes.io/managed-by",)
NOT_COPIED = ("endpoints.kubernetes.io/last-change-trigger-time",
              "kubectl.kubernetes.io/last-applied-configuration")  # fmt: skip
MAX_PER_SUBSET = 1000
Shape = tuple[str, str]  # address type, and the ports as text


class EndpointSliceMirroringController(Controller):
    name = "endpointslice-mirroring-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.endpoints = env.informers.lister(kinds.ENDPOINTS)
        self.services = env.informers.lister(kinds.SERVICES)
        self.slices = env.informers.lister(kinds.ENDPOINT_SLICES)
        self.slices.add_index("mirrored", _mirrored)
        env.informers[kinds.ENDPOINTS].add_handler(self._on_endpoints)
        env.informers[kinds.SERVICES].add_handler(self._on_service)
        env.informers[kinds.ENDPOINT_SLICES].add_handler(self._on_slice)

    def _on_endpoints(self, event: InformerEvent) -> None:
        if not any(label in labels_of(event.obj) for label in OURS):
            self.enqueue(event.key, event.revision)

    def _on_service(self, event: InformerEvent) -> None:
        selectors = [bool(o["spec"].get("selector")) for o in (event.old, event.new) if o]
        if event.key in self.endpoints and (event.type != "MODIFIED" or len(set(selectors)) > 1):
            self.enqueue(event.key, event.revision)

    def _on_slice(self, event: InformerEvent) -> None:
        if event.type != "ADDED":
            for key in _mirrored(event.obj):
                self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        own = self.slices.by_index("mirrored", key)
        endpoints, service = self.endpoints.get(key), self.services.get(key)
        wanted: dict[Shape, Object] = {}
        if endpoints is not None and service is not None and _is_mirrored(endpoints, service):
            wanted = _bodies(endpoints)
        for found in own:
            body = wanted.pop(_shape(found), None)
            if body is None:
                self.client.delete(found)
            else:
                self._update(found, endpoints or {}, body)
        for body in wanted.values():
            self.client.create(_new(endpoints or {}, body))

    def _update(self, found: Object, endpoints: Object, body: Object) -> None:
        labels, annotations = _labels(endpoints), _annotations(endpoints)
        have = (found.get("endpoints") or [], labels_of(found), annotations_of(found))
        if have == (body["endpoints"], labels, annotations):
            return
        meta = {**found["metadata"], "labels": labels, "annotations": annotations}
        self.client.update({**found, "metadata": meta, **body}, base=found)


def _is_mirrored(endpoints: Object, service: Object) -> bool:
    """Models shouldMirror and the Service's lack of a selector."""
    return (
        not is_deleting(endpoints)
        and not service["spec"].get("selector")
        and labels_of(endpoints).get(SKIP) != "true"
        and LEADER not in annotations_of(endpoints)
        and not any(label in labels_of(endpoints) for label in OURS)
    )


def _bodies(endpoints: Object) -> dict[Shape, Object]:
    """One slice for each family of addresses and each set of ports."""
    out: dict[Shape, Object] = {}
    for subset in endpoints.get("subsets") or ():
        ports = [_port(p) for p in subset.get("ports") or ()]
        room = MAX_PER_SUBSET
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in (subset.get(field) or ())[:room]:
                room -= 1
                family = f"IPv{ip_address(address['ip']).version}"
                body = {"addressType": family, "ports": ports, "endpoints": []}
                found = out.setdefault(_shape(body), body)
                found["endpoints"].append(_endpoint(address, ready))
    return out


def _port(port: Object) -> Object:
    out = {"name": port.get("name", ""), "port": port["port"]}
    out["protocol"] = port.get("protocol", "TCP")
    return {**out, **({"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {})}


def _endpoint(address: Object, ready: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for field in ("hostname", "nodeName", "targetRef"):
        if address.get(field):
            out[field] = address[field]
    return out


def _shape(body: Object) -> Shape:
    ports = sorted((p.get("name", ""), p.get("port"), p.get("protocol", "TCP"))
                   for p in body.get("ports") or ())  # fmt: skip
    return body["addressType"], repr(ports)


def _labels(endpoints: Object) -> dict[str, str]:
    return {**labels_of(endpoints), SERVICE: name_of(endpoints), MANAGED_BY: MIRRORING}


def _annotations(endpoints: Object) -> dict[str, str]:
    return {k: v for k, v in annotations_of(endpoints).items() if k not in NOT_COPIED}


def _new(endpoints: Object, body: Object) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name_of(endpoints)}-",
            "namespace": namespace_of(endpoints),
            "labels": _labels(endpoints),
            "annotations": _annotations(endpoints),
            "ownerReferences": [controller_ref(endpoints)],
        },
        **body,
    }


def _mirrored(found: Object) -> tuple[str, ...]:
    labels = labels_of(found)
    if labels.get(MANAGED_BY) != MIRRORING or SERVICE not in labels:
        return ()
    return (f"{namespace_of(found)}/{labels[SERVICE]}",)
