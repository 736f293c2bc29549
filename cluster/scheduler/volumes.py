"""What volumes a pod asks for, and which PersistentVolumes could serve it.

Read from the informers' caches at each question: pods with claims are few, and what is cached about
nodes stays valid for all others. Models pkg/scheduler/framework/plugins/volumebinding/binder.go and
component-helpers/storage/volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.client import Informers, kinds
from cluster.machinery import quantity
from cluster.machinery.meta import Object, annotations_of, is_controlled_by, labels_of
from cluster.machinery.selectors import from_label_selector
from cluster.scheduler.framework import FilterPlugin, Handle, Pending, Scope

BOUND = "pv.kubernetes.io/bind-completed"
BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
MEMO = "claims"


@dataclass(slots=True)
class Claim:
    """One claim of a pod as it is now. `volume` is what it is bound to, `storage` its class."""

    key: str
    name: str
    pvc: Object | None
    volume: Object | None = None
    storage: Object | None = None
    foreign: bool = False  # an ephemeral volume's claim that was made for somebody else

    @property
    def volume_name(self) -> str:
        return ((self.pvc or {}).get("spec") or {}).get("volumeName") or ""

    @property
    def bound(self) -> bool:
        return self.pvc is not None and bool(self.volume_name) and BOUND in annotations_of(self.pvc)

    @property
    def waits(self) -> bool:
        """volumeBindingMode: WaitForFirstConsumer."""
        return (self.storage or {}).get("volumeBindingMode") == "WaitForFirstConsumer"

    @property
    def request(self) -> int:
        spec = (self.pvc or {}).get("spec") or {}
        requests = (spec.get("resources") or {}).get("requests") or {}
        return quantity.value(requests.get("storage", 0))


class Volumes:
    """One a process: `informers.shared(Volumes, ...)`."""

    def __init__(self, informers: Informers) -> None:
        self.claims = informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)
        self.volumes = informers.lister(kinds.PERSISTENT_VOLUMES)
        self.classes = informers.lister(kinds.STORAGE_CLASSES)
        self.csi_nodes = informers.lister(kinds.CSI_NODES)
        self.drivers = informers.lister(kinds.CSI_DRIVERS)
        self.capacities = informers.lister(kinds.CSI_STORAGE_CAPACITIES)
        # A volume is promised to a claim from the choice of a node until the write is seen.
        self.promised: dict[str, str] = {}

    def of(self, pod: Pending) -> list[Claim]:
        found: list[Claim] | None = pod.memo.get(MEMO)
        if found is None:
            found = pod.memo[MEMO] = [self.claim(pod.obj, n, e) for n, e in claim_names(pod.obj)]
        return found

    def claim(self, pod: Object, name: str, ephemeral: bool) -> Claim:
        key = f"{pod['metadata'].get('namespace', '')}/{name}"
        pvc = self.claims.get(key)
        out = Claim(key, name, pvc)
        if pvc is None:
            return out
        out.foreign = ephemeral and not is_controlled_by(pvc, pod)
        if out.volume_name:
            out.volume = self.volumes.get(out.volume_name)
        class_name = pvc["spec"].get("storageClassName") or ""
        out.storage = self.classes.get(class_name) if class_name else None
        return out

    def candidates(self, claim: Claim) -> list[Object]:
        """Unbound volumes that could serve the claim, the smallest first.

        Models FindMatchingVolume, without the node.
        """
        assert claim.pvc is not None
        spec = claim.pvc["spec"]
        selector = from_label_selector(spec["selector"]) if spec.get("selector") else None
        found = [
            volume
            for volume in self.volumes
            if self._available(volume, claim)
            and _suits(volume, spec)
            and (selector is None or selector.matches(labels_of(volume)))
            and capacity(volume) >= claim.request
        ]
        return sorted(found, key=lambda v: (capacity(v), v["metadata"]["name"]))

    def _available(self, volume: Object, claim: Claim) -> bool:
        name = volume["metadata"]["name"]
        if self.promised.get(name, claim.key) != claim.key:
            return False
        ref = volume["spec"].get("claimRef")
        if ref:  # set aside for this very claim by its author
            return f"{ref.get('namespace')}/{ref.get('name')}" == claim.key
        if "deletionTimestamp" in volume["metadata"]:
            return False
        return (volume.get("status") or {}).get("phase") == "Available"


class VolumePlugin(FilterPlugin):
    """What the plugins about volumes share: they are asked anew about every pod that has any."""

    scope = Scope.CLUSTER

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        super().__init__(handle, args)
        informers = handle.env.informers
        self.volumes = informers.shared(Volumes, lambda: Volumes(informers))


def claim_names(pod: Object) -> Iterator[tuple[str, bool]]:
    """(claim, whether it belongs to an ephemeral volume) of each volume with one."""
    for volume in pod["spec"].get("volumes") or ():
        if source := volume.get("persistentVolumeClaim"):
            yield source.get("claimName", ""), False
        elif "ephemeral" in volume:
            yield f"{pod['metadata']['name']}-{volume['name']}", True


def capacity(volume: Object) -> int:
    return quantity.value((volume["spec"].get("capacity") or {}).get("storage", 0))


def _suits(volume: Object, claim: Object) -> bool:
    spec = volume["spec"]
    if (spec.get("storageClassName") or "") != (claim.get("storageClassName") or ""):
        return False
    if (spec.get("volumeMode") or "Filesystem") != (claim.get("volumeMode") or "Filesystem"):
        return False
    return set(claim.get("accessModes") or ()) <= set(spec.get("accessModes") or ())


def topology(storage: Object) -> Object | None:
    """A class's allowedTopologies as a node selector; None allows every node."""
    allowed = storage.get("allowedTopologies")
    if not allowed:
        return None
    return {
        "nodeSelectorTerms": [
            {
                "matchExpressions": [
                    {"key": e["key"], "operator": "In", "values": e.get("values") or []}
                    for e in term.get("matchLabelExpressions") or ()
                ]
            }
            for term in allowed
        ]
    }
