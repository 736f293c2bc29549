"""VolumeBinding: a pod goes where its volumes are, or can be made.

Bound claims tie the pod to the nodes their volumes reach. A claim of a class that waits for its
first consumer is bound by us: to a volume that fits, or, by naming the node, through its
provisioner; the pod is held until that has happened. Models plugins/volumebinding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cluster.client import InformerEvent, kinds
from cluster.machinery import quantity
from cluster.machinery.meta import Object, annotations_of, labels_of, with_metadata
from cluster.machinery.selectors import from_label_selector
from cluster.scheduler.cache import terms
from cluster.scheduler.cache.columns import Bools
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    Code,
    CycleState,
    Handle,
    On,
    Pending,
    PermitPlugin,
    Rejection,
    ReservePlugin,
    Slots,
    Status,
)
from cluster.scheduler.plugins.matching import selected
from cluster.scheduler.volumes import (
    BY_CONTROLLER,
    NO_PROVISIONER,
    SELECTED_NODE,
    Claim,
    VolumePlugin,
    topology,
)

REASON_NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
REASON_AFFINITY = "node(s) didn't match PersistentVolume's node affinity"
REASON_SPACE = "node(s) did not have enough free storage"
REASON_GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
BIND_TIMEOUT = 600.0  # Models bindTimeoutSeconds


@dataclass(slots=True)
class Plan:
    """What has to be done for a pod's claims on a node."""

    static: dict[str, str] = field(default_factory=dict)  # claim -> volume
    provisioned: list[str] = field(default_factory=list)


class VolumeBinding(VolumePlugin, ReservePlugin, PermitPlugin):
    name = "VolumeBinding"

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        self._timeout = float(args.get("bindTimeoutSeconds", BIND_TIMEOUT))
        if self._timeout < 0:
            raise ValueError("bindTimeoutSeconds: Invalid value: must be non-negative")
        self._waiting: dict[str, list[str]] = {}  # pod -> its claims that are not bound yet
        claims = handle.env.informers[kinds.PERSISTENT_VOLUME_CLAIMS]
        claims.add_handler(self._on_claim)

    # ---- filter

    def filters(self, pod: Pending) -> bool:
        return pod.spec.tied_volumes and bool(self.volumes.of(pod))

    def pre_filter(self, state: CycleState, pod: Pending) -> Status | None:
        for claim in self.volumes.of(pod):
            text = _impossible(claim, pod)
            if text:
                return Status(Code.UNRESOLVABLE, (text,), self.name)
        if any(not c.bound and not c.waits for c in self.volumes.of(pod)):
            return Status(Code.UNRESOLVABLE, (UNBOUND,), self.name)
        return None

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        size = len(self.nodes.valid[at])
        gone, away = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        unbound = []
        for claim in self.volumes.of(pod):
            if not claim.bound:
                unbound.append(claim)
            elif claim.volume is None:
                gone |= True
            else:
                away |= ~self._reaches(claim.volume, at)
        away &= ~gone
        out = [Rejection(REASON_GONE, gone, True), Rejection(REASON_AFFINITY, away, True)]
        if unbound:
            out += self._unbound(unbound, at, gone | away)
        return out

    def _unbound(self, claims: list[Claim], at: Slots, out_already: Bools) -> list[Rejection]:
        missing, space = np.zeros(len(out_already), np.bool_), np.zeros(len(out_already), np.bool_)
        reach = {c.key: self._choices(c, at) for c in claims}
        makes = {c.key: self._makes(c, at) for c in claims}
        for index in np.flatnonzero(~out_already).tolist():
            taken: set[str] = set()
            for claim in sorted(claims, key=lambda c: c.request):
                free = [n for n, where in reach[claim.key] if where[index] and n not in taken]
                if free:
                    taken.add(free[0])
                    continue
                possible, roomy = makes[claim.key]
                missing[index] |= not possible[index]
                space[index] |= bool(possible[index] and not roomy[index])
        return [
            Rejection(REASON_NO_VOLUME, missing, True),
            Rejection(REASON_SPACE, space & ~missing, True),
        ]

    def _choices(self, claim: Claim, at: Slots) -> list[tuple[str, Bools]]:
        """Volumes that could serve the claim and where; none once a node was selected for it."""
        if claim.pvc is None or SELECTED_NODE in annotations_of(claim.pvc):
            return []
        return [
            (v["metadata"]["name"], self._reaches(v, at)) for v in self.volumes.candidates(claim)
        ]

    def _makes(self, claim: Claim, at: Slots) -> tuple[Bools, Bools]:
        """Where the claim's provisioner can make a volume, and where there is room for it."""
        size = len(self.nodes.valid[at])
        no, yes = np.zeros(size, np.bool_), np.ones(size, np.bool_)
        storage = claim.storage
        if storage is None or claim.pvc is None:
            return no, yes
        if (storage.get("provisioner") or NO_PROVISIONER) == NO_PROVISIONER:
            return no, yes
        where = self._within(topology(storage), at)
        if chosen := annotations_of(claim.pvc).get(SELECTED_NODE):
            slot = self.nodes.slots.get(chosen, -1)
            only = np.zeros(self.nodes.size, np.bool_)
            if slot >= 0:
                only[slot] = True
            where = where & only[at]
        return where, self._roomy(claim, storage, at)

    def _roomy(self, claim: Claim, storage: Object, at: Slots) -> Bools:
        """Models hasEnoughCapacity: only drivers that publish their capacity are asked."""
        size = len(self.nodes.valid[at])
        driver = self.volumes.drivers.get(storage.get("provisioner", ""))
        if driver is None or not (driver.get("spec") or {}).get("storageCapacity"):
            return np.ones(size, np.bool_)
        out = np.zeros(size, np.bool_)
        for entry in self.volumes.capacities:
            if entry.get("storageClassName") != storage["metadata"]["name"]:
                continue
            most = entry.get("maximumVolumeSize") or entry.get("capacity")
            if most is None or quantity.value(most) < claim.request:
                continue
            selector = from_label_selector(entry.get("nodeTopology"))
            for index, node in enumerate(np.array(self.nodes.objects, dtype=object)[at]):
                out[index] |= node is not None and selector.matches(labels_of(node))
        return out

    def _reaches(self, volume: Object, at: Slots) -> Bools:
        return self._within((volume["spec"].get("nodeAffinity") or {}).get("required"), at)

    def _within(self, required: Object | None, at: Slots) -> Bools:
        compiled = terms.node_terms(required)
        if compiled is None:
            return np.ones(len(self.nodes.valid[at]), np.bool_)
        return selected(self.nodes, terms.NodeSelector((), compiled), at)

    # ---- from the choice to the bound volumes

    def reserve(self, state: CycleState, pod: Pending, node: str) -> Status | None:
        plan, slot = Plan(), np.array([self.nodes.slots[node]])
        open_claims = [c for c in self.volumes.of(pod) if not c.bound] if self.filters(pod) else []
        for claim in sorted(open_claims, key=lambda c: c.request):
            free = [n for n, where in self._choices(claim, slot) if where[0]]
            if free:
                plan.static[claim.key] = free[0]
                self.volumes.promised[free[0]] = claim.key
            else:
                plan.provisioned.append(claim.key)
        state.data[self.name] = plan
        return None

    def unreserve(self, state: CycleState, pod: Pending, node: str) -> None:
        plan: Plan | None = state.data.get(self.name)
        for volume in plan.static.values() if plan is not None else ():
            self.volumes.promised.pop(volume, None)
        self._waiting.pop(_key(pod.obj), None)

    def permit(self, state: CycleState, pod: Pending, node: str) -> Status | None:
        """Models PreBind's BindPodVolumes; here the waiting for it is Permit's."""
        plan: Plan = state.data[self.name]
        if not plan.static and not plan.provisioned:
            return None
        for claim, volume in plan.static.items():
            self._bind(claim, volume)
        for claim in plan.provisioned:
            self._select(claim, node)
        self._waiting[_key(pod.obj)] = [*plan.static, *plan.provisioned]
        return Status(Code.WAIT, timeout=self._timeout)

    def _bind(self, claim: str, volume: str) -> None:
        pvc, pv = self.volumes.claims.get(claim), self.volumes.volumes.get(volume)
        if pvc is None or pv is None:
            return
        meta = pvc["metadata"]
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        }
        marked = {**annotations_of(pv), BY_CONTROLLER: "yes"}
        new = {**pv, "spec": {**pv["spec"], "claimRef": reference}}
        self.handle.env.client.update(with_metadata(new, annotations=marked), base=pv)

    def _select(self, claim: str, node: str) -> None:
        pvc = self.volumes.claims.get(claim)
        if pvc is not None and annotations_of(pvc).get(SELECTED_NODE) != node:
            marked = {**annotations_of(pvc), SELECTED_NODE: node}
            self.handle.env.client.update(with_metadata(pvc, annotations=marked), base=pvc)

    def _on_claim(self, event: InformerEvent) -> None:
        for pod, claims in list(self._waiting.items()):
            if event.key not in claims:
                continue
            if all(_bound(self.volumes.claims.get(k)) for k in claims):
                del self._waiting[pod]
                self._keep_no_promise(claims)
                self.handle.waiting.allow(pod, self.name)

    def _keep_no_promise(self, claims: list[str]) -> None:
        kept = {v: c for v, c in self.volumes.promised.items() if c not in claims}
        self.volumes.promised.clear()
        self.volumes.promised.update(kept)

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.NODE, Action.ADD | Action.UPDATE_NODE_LABEL),
            ClusterEvent(On.CLAIM, Action.ADD | Action.UPDATE),
            ClusterEvent(On.VOLUME, Action.ADD | Action.UPDATE),
            ClusterEvent(On.STORAGE_CLASS, Action.ADD | Action.UPDATE),
            ClusterEvent(On.CSI_NODE, Action.ADD | Action.UPDATE),
            ClusterEvent(On.CSI_DRIVER, Action.UPDATE),
            ClusterEvent(On.STORAGE_CAPACITY, Action.ADD | Action.UPDATE),
        ]


def _key(pod: Object) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"


def _bound(pvc: Object | None) -> bool:
    return pvc is not None and Claim("", "", pvc).bound


def _impossible(claim: Claim, pod: Pending) -> str:
    """Models podHasPVCs and GetPodVolumeClaims: what no node can help with."""
    if claim.pvc is None:
        return f'persistentvolumeclaim "{claim.name}" not found'
    if claim.foreign:
        meta = pod.obj["metadata"]
        return (
            f"PVC {claim.key} was not created for pod {meta['namespace']}/{meta['name']} "
            "(pod is not owner)"
        )
    if (claim.pvc.get("status") or {}).get("phase") == "Lost":
        return (
            f'persistentvolumeclaim "{claim.name}" bound to non-existent persistentvolume '
            f'"{claim.volume_name}"'
        )
    if "deletionTimestamp" in claim.pvc["metadata"]:
        return f'persistentvolumeclaim "{claim.name}" is being deleted'
    return ""
