"""Which volume a claim gets, and who belongs to whom.

Pure functions. Models component-helpers/storage/volume/pv_helpers.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from cluster.machinery import quantity
from cluster.machinery.meta import (
    Object,
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    object_reference,
    uid_of,
)
from cluster.machinery.selectors import from_label_selector

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def class_name(obj: Object) -> str:
    """Of a claim or a volume; the old annotation goes first."""
    return annotations_of(obj).get(BETA_CLASS) or obj["spec"].get("storageClassName") or ""


def phase_of(obj: Object) -> str:
    return str((obj.get("status") or {}).get("phase", ""))


def claim_key(volume: Object) -> str:
    """The key of the claim that a volume is meant for; empty without one."""
    reference = volume["spec"].get("claimRef")
    return f"{reference.get('namespace', '')}/{reference['name']}" if reference else ""


def is_meant_for(volume: Object, claim: Object) -> bool:
    """Models IsVolumeBoundToClaim: by name, and by UID once that is known."""
    reference = volume["spec"].get("claimRef")
    if not reference or claim_key(volume) != f"{namespace_of(claim)}/{name_of(claim)}":
        return False
    return reference.get("uid", "") in ("", uid_of(claim))


def capacity(volume: Object) -> int:
    return quantity.value((volume["spec"].get("capacity") or {}).get("storage", 0))


def requested(claim: Object) -> int:
    resources = claim["spec"].get("resources") or {}
    return quantity.value((resources.get("requests") or {}).get("storage", 0))


def mismatch(volume: Object, claim: Object) -> str:
    """Why a volume cannot serve the claim that names it. Models checkVolumeSatisfyClaim."""
    if capacity(volume) < requested(claim):
        return "requested PV is too small"
    if class_name(volume) != class_name(claim):
        return "storageClassName does not match"
    if _mode(volume) != _mode(claim):
        return "incompatible volumeMode"
    if not set(claim["spec"].get("accessModes") or ()) <= set(
        volume["spec"].get("accessModes", ())
    ):
        return "incompatible accessMode"
    return ""


def _mode(obj: Object) -> str:
    return obj["spec"].get("volumeMode") or "Filesystem"


def best(volumes: Iterable[Object], claim: Object, waits: bool) -> Object | None:
    """The smallest volume that does. Models FindMatchingVolume; `waits`: the scheduler chooses,
    unless somebody has set a volume aside."""
    text = claim["spec"].get("selector")
    selector = from_label_selector(text) if text else None
    found: Object | None = None
    for volume in volumes:
        if mismatch(volume, claim) or is_deleting(volume):
            continue
        if is_meant_for(volume, claim):
            return volume
        taken = volume["spec"].get("claimRef") or phase_of(volume) != "Available"
        if waits or taken or (selector is not None and not selector.matches(labels_of(volume))):
            continue
        if found is None or capacity(volume) < capacity(found):
            found = volume
    return found


def set_aside(volume: Object, claim: Object) -> Object:
    """The volume with a reference to the claim. Models GetBindVolumeToClaim."""
    meta = volume["metadata"]
    if not is_meant_for(volume, claim):
        annotations = {**annotations_of(volume), BOUND_BY_CONTROLLER: "yes"}
        meta = {**meta, "annotations": annotations}
    spec = {**volume["spec"], "claimRef": object_reference(claim)}
    return {**volume, "metadata": meta, "spec": spec}


def taken(claim: Object, volume: Object) -> Object:
    """The claim with its volume. Models bindClaimToVolume."""
    annotations = {**annotations_of(claim), BIND_COMPLETED: "yes"}
    if not claim["spec"].get("volumeName"):
        annotations[BOUND_BY_CONTROLLER] = "yes"
    spec = {**claim["spec"], "volumeName": name_of(volume)}
    return {**claim, "metadata": {**claim["metadata"], "annotations": annotations}, "spec": spec}
