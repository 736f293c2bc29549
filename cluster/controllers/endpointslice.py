"""endpointslice: what stands behind a Service, a hundred addresses a slice.

Slices that stay as they are, are not written; new endpoints fill slices that change anyway, then
the fullest that has room, then new ones. Models k8s.io/endpointslice/reconciler.go.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import podutil, servicepods, topologyhints
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


Endpoints = list[dict[str, Any]]
Built = dict[str, tuple[Object, Object, Object | None, dict[str, Any]]]  # by pod, from what


class Plan:
    """What becomes of a Service's slices. Models reconcileByPortMapping."""

    def __init__(self) -> None:
        self.create: list[tuple[servicepods.PortTuple, Endpoints]] = []
        self.update: list[tuple[Object, servicepods.PortTuple, Endpoints]] = []
        self.delete: list[Object] = []

    def place(
        self, ports: servicepods.PortTuple, wanted: dict[str, dict[str, Any]], slices: list[Object]
    ) -> None:
        """Endpoints (by address) over slices that have these ports already."""
        fresh = dict(wanted)
        plans: list[tuple[Object, Endpoints, bool]] = []
        for found in slices:
            before = found.get("endpoints") or []
            kept = [new for e in before if (new := fresh.pop(e["addresses"][0], None)) is not None]
            plans.append((found, kept, kept != before))
        left = list(fresh.values())
        plans.sort(key=lambda plan: (not plan[2], -len(plan[1])))
        for found, kept, changed in plans:
            if changed or len(kept) + len(left) <= PER_SLICE:
                room = PER_SLICE - len(kept)
                kept += left[:room]
                left = left[room:]
            if kept:
                self.update.append((found, ports, kept))
            else:
                self.delete.append(found)
        for at in range(0, len(left), PER_SLICE):
            self.create.append((ports, left[at : at + PER_SLICE]))


class EndpointSliceController(Controller):
    name = "endpointslice-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.index = servicepods.ServiceIndex.of(env, self.enqueue)
        self.nodes = env.informers.lister(kinds.NODES)
        self.slices = env.informers.lister(kinds.ENDPOINT_SLICES)
        self._built: dict[str, Built] = {}
        self._hinted: dict[
            str, str
        ] = {}  # Services with topology-mode Auto: why they have no hints
        self.slices.add_index("service", _service_of)
        env.informers[kinds.ENDPOINT_SLICES].add_handler(self._on_slice)
        env.informers[kinds.NODES].add_handler(self._on_node)

    def _on_slice(self, event: InformerEvent) -> None:
        """Somebody deleted or changed one of ours."""
        if event.type != "ADDED":
            for key in _service_of(event.obj):
                self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        own = [s for s in self.slices.by_index("service", key) if not is_deleting(s)]
        service = self.index.services.get(key)
        if service is None or is_deleting(service):
            self._built.pop(key, None)
            self._hinted.pop(key, None)
            for found in own:
                self.client.delete(found)
            return
        if not service["spec"].get("selector") or service["spec"]["type"] == "ExternalName":
            return
        behind = self.index.behind(service)
        known, self._built[key] = self._built.get(key, {}), {}
        by_ports: dict[servicepods.PortTuple, list[Object]] = {}
        for found in own:
            by_ports.setdefault(_ports_key(found), []).append(found)
        plan = Plan()
        for ports, members in behind.groups.items():
            wanted = {p["status"]["podIP"]: self._endpoint(key, service, p, known) for p in members}
            if topologyhints.is_auto(service):
                wanted = self._share_out(key, service, wanted)
            plan.place(ports, wanted, by_ports.pop(tuple(sorted(ports)), []))
        for left in by_ports.values():
            plan.delete += left
        if len(plan.delete) == len(own) and not plan.create:
            plan.create.append(((), []))  # a Service without pods has one empty slice
        self._perform(service, plan, behind.changed)

    def _share_out(
        self, key: str, service: Object, wanted: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        """Hints for all zones or for none; an Event when that changes."""
        shares = topologyhints.cpu_shares(self.nodes)
        zones = topologyhints.share_out([*wanted.values()], shares)
        said = zones if isinstance(zones, str) else ""
        if self._hinted.get(key) != said:
            if said:
                text = f"{said}, addressType: IPv4"
                self.recorder.event(service, "Warning", "TopologyAwareHintsDisabled", text)
            else:
                text = "Topology Aware Hints has been enabled, addressType: IPv4"
                self.recorder.event(service, "Normal", "TopologyAwareHintsEnabled", text)
            self._hinted[key] = said
        if isinstance(zones, str):
            return wanted
        return {
            address: {**e, "hints": {"forZones": [{"name": zones[address]}]}}
            if address in zones
            else e
            for address, e in wanted.items()
        }

    def _on_node(self, event: InformerEvent) -> None:
        """A node's zone is in its endpoints; shares of CPU concern those who share by them."""
        old, new = event.old, event.new
        if old is None or new is None or labels_of(old) != labels_of(new):
            for service in self.index.services if self._hinted else ():
                if topologyhints.is_auto(service):
                    key = f"{namespace_of(service)}/{name_of(service)}"
                    self.enqueue(key, event.revision)

    def _perform(self, service: Object, plan: Plan, stamp: str) -> None:
        """What would be deleted takes the place of what would be created, and keeps its name."""
        while plan.delete and plan.create:
            ports, endpoints = plan.create.pop()
            plan.update.append((plan.delete.pop(0), ports, endpoints))
        labels = {**labels_of(service), SERVICE: name_of(service), MANAGED_BY: CONTROLLER}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        for found, ports, endpoints in plan.update:
            self._write(found, servicepods.port_list(ports), endpoints, labels, stamp)
        for found in plan.delete:
            self.client.delete(found)
        for ports, endpoints in plan.create:
            body = {"endpoints": endpoints, "ports": servicepods.port_list(ports)}
            self._create(service, body, labels, stamp)

    def _create(self, service: Object, body: Object, labels: dict[str, str], stamp: str) -> None:
        self.client.create(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "generateName": f"{name_of(service)}-",
                    "namespace": namespace_of(service),
                    "labels": labels,
                    "annotations": {servicepods.TRIGGER: stamp},
                    "ownerReferences": [controller_ref(service)],
                },
                "addressType": "IPv4",
                **body,
            }
        )

    def _write(
        self,
        found: Object,
        ports: list[dict[str, Any]],
        endpoints: Endpoints,
        labels: dict[str, str],
        stamp: str,
    ) -> None:
        have = (found.get("endpoints") or [], found.get("ports") or [], labels_of(found))
        if have == (endpoints, ports, labels):
            return
        annotations = {**annotations_of(found), servicepods.TRIGGER: stamp}
        meta = {**found["metadata"], "labels": labels, "annotations": annotations}
        body = {"metadata": meta, "endpoints": endpoints, "ports": ports}
        self.client.update({**found, **body}, base=found)

    def _endpoint(self, key: str, service: Object, pod: Object, known: Built) -> dict[str, Any]:
        """Built anew for a pod, node or Service that has changed since the last time."""
        name = name_of(pod)
        node = self.nodes.get(pod["spec"]["nodeName"])
        made = known.get(name)
        if made is None or made[0] is not pod or made[1] is not service or made[2] is not node:
            made = (pod, service, node, _describe(service, pod, node))
        self._built[key][name] = made
        return made[3]


def _describe(service: Object, pod: Object, node: Object | None) -> dict[str, Any]:
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
    if node is not None and (zone := labels_of(node).get(ZONE)):
        out["zone"] = zone
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == name_of(service):
        out["hostname"] = pod["spec"]["hostname"]
    if hints := topologyhints.near(topologyhints.distribution(service), out):
        out["hints"] = hints
    return out


def _service_of(found: Object) -> tuple[str, ...]:
    """The key of the Service a slice of ours belongs to."""
    labels = labels_of(found)
    if labels.get(MANAGED_BY) != CONTROLLER or SERVICE not in labels:
        return ()
    return (f"{namespace_of(found)}/{labels[SERVICE]}",)


def _ports_key(found: Object) -> servicepods.PortTuple:
    return tuple(
        sorted(
            (p.get("name", ""), (p.get("port"), p.get("protocol", "TCP"), p.get("appProtocol")))
            for p in found.get("ports") or ()
        )
    )
