"""persistentvolume-binder: claims get volumes. Models pkg/controller/volume/persistentvolume.

    claim -> best volume, or a request to a provisioner -> volume.claimRef -> claim.volumeName

Each step is one write; the next follows from what it says. Keys are `claim/namespace/name` and
`volume/name`. Who makes volumes is outside, as with CSI (externalstorage).
"""

from __future__ import annotations

from typing import Literal

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import volumematch
from cluster.controllers.claimusers import ClaimUsers
from cluster.controllers.volumematch import phase_of
from cluster.machinery.clock import format_time
from cluster.machinery.meta import (
    Object,
    annotations_of,
    is_deleting,
    key_of,
    name_of,
    uid_of,
)

CLAIM, VOLUME = "claim/", "volume/"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
WAITING = "waiting for first consumer to be created before binding"
NO_CLASS = "no persistent volumes available for this claim and no storage class is set"
EXTERNAL = (
    "Waiting for a volume to be created either by the external provisioner '{}' or manually by the "
    "system administrator. If volume creation is delayed, please verify that the provisioner is "
    "running and correctly registered."
)
NO_REFERENCE = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
NO_VOLUME = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
TWICE = "Two claims are bound to the same volume, this one is bound incorrectly"


class PersistentVolumeBinder(Controller):
    name = "persistentvolume-binder-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("persistentvolume-controller")
        self.claims = env.informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)
        self.volumes = env.informers.lister(kinds.PERSISTENT_VOLUMES)
        self.classes = env.informers.lister(kinds.STORAGE_CLASSES)
        self.users = ClaimUsers.of(env)
        self.volumes.add_index("claim", lambda v: (volumematch.claim_key(v),))
        self._unbound: dict[str, None] = {}
        env.informers[kinds.PERSISTENT_VOLUME_CLAIMS].add_handler(self._on_claim)
        env.informers[kinds.PERSISTENT_VOLUMES].add_handler(self._on_volume)
        env.informers[kinds.STORAGE_CLASSES].add_handler(self._on_class)

    def _on_claim(self, event: InformerEvent) -> None:
        if event.new is not None and not event.new["spec"].get("volumeName"):
            self._unbound[event.key] = None
        else:
            self._unbound.pop(event.key, None)
        self.enqueue(CLAIM + event.key, event.revision)
        for volume in self.volumes.by_index("claim", event.key):
            self.enqueue(VOLUME + name_of(volume), event.revision)
        if name := event.obj["spec"].get("volumeName"):
            self.enqueue(VOLUME + name, event.revision)

    def _on_volume(self, event: InformerEvent) -> None:
        self.enqueue(VOLUME + event.key, event.revision)
        if key := volumematch.claim_key(event.obj):
            self.enqueue(CLAIM + key, event.revision)
        elif event.new is not None and phase_of(event.new) == "Available":
            self._wake(volumematch.class_name(event.new), event.revision)

    def _on_class(self, event: InformerEvent) -> None:
        if event.type == "ADDED":
            self._wake(event.key, event.revision)

    def _wake(self, storage_class: str, revision: int) -> None:
        """Claims that may have waited for this."""
        for key in self._unbound:
            claim = self.claims.get(key)
            if claim is not None and volumematch.class_name(claim) == storage_class:
                self.enqueue(CLAIM + key, revision)

    def reconcile(self, key: str) -> None:
        if key.startswith(VOLUME):
            self._sync_volume(key.removeprefix(VOLUME))
            return
        claim = self.claims.get(key.removeprefix(CLAIM))
        if claim is None:
            return
        if volumematch.BIND_COMPLETED in annotations_of(claim):
            self._sync_bound(claim)
        elif claim["spec"].get("volumeName"):
            self._sync_named(claim)
        elif not is_deleting(claim):
            self._sync_unbound(claim)

    # ---- claims

    def _sync_unbound(self, claim: Object) -> None:
        storage = self.classes.get(volumematch.class_name(claim))
        waits = (storage or {}).get("volumeBindingMode") == "WaitForFirstConsumer"
        volume = volumematch.best(self.volumes, claim, waits)
        if volume is not None:
            self._bind(volume, claim)
            return
        if waits and volumematch.SELECTED_NODE not in annotations_of(claim):
            self._event(claim, "Normal", *self._waiting(claim))
        elif volumematch.class_name(claim):
            self._provision(claim, storage)
        else:
            self._event(claim, "Normal", "FailedBinding", NO_CLASS)
        self._set_claim(claim, "Pending")

    def _waiting(self, claim: Object) -> tuple[str, str]:
        """Models emitEventForUnboundDelayBindingClaim."""
        names = [
            name_of(p)
            for p in self.users.of_claim(key_of(claim))
            if not p["spec"].get("nodeName") and not is_deleting(p)
        ]
        if not names:
            return "WaitForFirstConsumer", WAITING
        return "WaitForPodScheduled", f"waiting for pod {names[0]} to be scheduled"

    def _provision(self, claim: Object, storage: Object | None) -> None:
        """Ask for a volume. Models provisionClaimOperationExternal."""
        if storage is None:
            name = volumematch.class_name(claim)
            text = f'storageclass.storage.k8s.io "{name}" not found'
            self._event(claim, "Warning", "ProvisioningFailed", text)
            return
        provisioner = storage["provisioner"]
        if provisioner == NO_PROVISIONER:
            text = f"no volume plugin matched name: {provisioner}"
            self._event(claim, "Warning", "ProvisioningFailed", text)
            return
        have = annotations_of(claim)
        if have.get(volumematch.PROVISIONER) != provisioner:
            keys = (volumematch.PROVISIONER, volumematch.BETA_PROVISIONER)
            annotations = {**have, **dict.fromkeys(keys, provisioner)}
            meta = {**claim["metadata"], "annotations": annotations}
            self.client.update({**claim, "metadata": meta}, base=claim)
        self._event(claim, "Normal", "ExternalProvisioning", EXTERNAL.format(provisioner))

    def _sync_named(self, claim: Object) -> None:
        """Somebody has named a volume. Models the second half of syncUnboundClaim."""
        volume = self.volumes.get(claim["spec"]["volumeName"])
        if volume is None:
            self._set_claim(claim, "Pending")
        elif volumematch.is_meant_for(volume, claim):
            self._bind(volume, claim)
        elif volume["spec"].get("claimRef"):
            text = f'volume "{name_of(volume)}" already bound to a different claim.'
            self._event(claim, "Warning", "FailedBinding", text)
            self._set_claim(claim, "Pending")
        elif text := volumematch.mismatch(volume, claim):
            text = f'Cannot bind to requested volume "{name_of(volume)}": {text}'
            self._event(claim, "Warning", "VolumeMismatch", text)
            self._set_claim(claim, "Pending")
        else:
            self._bind(volume, claim)

    def _sync_bound(self, claim: Object) -> None:
        name = claim["spec"].get("volumeName", "")
        volume = self.volumes.get(name) if name else None
        if volume is None:
            if phase_of(claim) != "Lost":
                text = NO_VOLUME if name else NO_REFERENCE
                self._event(claim, "Warning", "ClaimLost", text)
            self._set_claim(claim, "Lost")
        elif not volume["spec"].get("claimRef") or volumematch.is_meant_for(volume, claim):
            self._bind(volume, claim)
        else:
            if phase_of(claim) != "Lost":
                self._event(claim, "Warning", "ClaimMisbound", TWICE)
            self._set_claim(claim, "Lost")

    def _bind(self, volume: Object, claim: Object) -> None:
        """The next of four steps; each is the cause of the one after it."""
        reference = volume["spec"].get("claimRef") or {}
        if reference.get("uid") != uid_of(claim):
            self.client.update(volumematch.set_aside(volume, claim), base=volume)
        elif claim["spec"].get("volumeName") != name_of(
            volume
        ) or volumematch.BIND_COMPLETED not in annotations_of(claim):
            self.client.update(volumematch.taken(claim, volume), base=claim)
        else:
            self._set_claim(claim, "Bound", volume)

    def _set_claim(self, claim: Object, phase: str, volume: Object | None = None) -> None:
        """Models updateClaimStatus. The capacity of a bound claim is the resizer's business."""
        status = {**(claim.get("status") or {}), "phase": phase}
        if volume is not None:
            status["accessModes"] = volume["spec"].get("accessModes") or []
            if phase_of(claim) != "Bound" or not status.get("capacity"):
                status["capacity"] = volume["spec"].get("capacity") or {}
        elif phase == "Pending":
            status = {"phase": phase}
        if status != claim.get("status"):
            self.client.update_status({**claim, "status": status}, base=claim)

    # ---- volumes

    def _sync_volume(self, name: str) -> None:
        volume = self.volumes.get(name)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef")
        if not reference or not reference.get("uid"):
            self._set_volume(volume, "Available")
            return
        claim = self.claims.get(volumematch.claim_key(volume))
        if claim is not None and uid_of(claim) != reference["uid"]:
            claim = None
        if claim is None:
            if phase_of(volume) not in ("Released", "Failed"):
                self._set_volume(volume, "Released")
            else:
                self._reclaim(volume)
        elif claim["spec"].get("volumeName") == name:
            self._set_volume(volume, "Bound")
        elif claim["spec"].get("volumeName"):
            self._unbind(volume)

    def _unbind(self, volume: Object) -> None:
        """Its claim has taken another one meanwhile."""
        made = volumematch.PROVISIONED_BY in annotations_of(volume)
        if made and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            if phase_of(volume) != "Released":
                self._set_volume(volume, "Released")
            else:
                self._reclaim(volume)
        elif volumematch.BOUND_BY_CONTROLLER in annotations_of(volume):
            spec = {k: v for k, v in volume["spec"].items() if k != "claimRef"}
            annotations = dict(annotations_of(volume))
            annotations.pop(volumematch.BOUND_BY_CONTROLLER)
            meta = {**volume["metadata"], "annotations": annotations}
            self.client.update({**volume, "metadata": meta, "spec": spec}, base=volume)

    def _reclaim(self, volume: Object) -> None:
        """What no provisioner made is deleted by the plugin in the tree, or cannot be."""
        if (
            volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete"
            or is_deleting(volume)
            or volumematch.PROVISIONED_BY in annotations_of(volume)
            or phase_of(volume) == "Failed"
        ):
            return
        path = (volume["spec"].get("hostPath") or {}).get("path", "")
        if path.startswith("/tmp/"):
            self.client.delete(volume)
            return
        text = f'error getting deleter volume plugin for volume "{name_of(volume)}": no deletable '
        text += "volume plugin matched"
        if path:
            text = f"host_path deleter only supports /tmp/.+ but received provided {path}"
        self._set_volume(volume, "Failed", text)
        self._event(volume, "Warning", "VolumeFailedDelete", text)

    def _set_volume(self, volume: Object, phase: str, text: str = "") -> None:
        if phase_of(volume) == phase:
            return
        status = {"phase": phase, "lastPhaseTransitionTime": format_time(self.clock.now())}
        if text:
            status["message"] = text
        self.client.update_status({**volume, "status": status}, base=volume)

    def _event(
        self, obj: Object, kind: Literal["Normal", "Warning"], reason: str, text: str
    ) -> None:
        self.recorder.event(obj, kind, reason, text)
