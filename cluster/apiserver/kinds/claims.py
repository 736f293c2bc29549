"""PersistentVolumeClaims and PersistentVolumes. Models pkg/apis/core and registry/core.

Their protection finalizers are set by admission, their phases by the volume controllers.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.amounts import positive
from cluster.apiserver.kinds.base import WithStatus
from cluster.apiserver.kinds.podspec import canonical_amounts
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.apiserver.strategy import Context
from cluster.machinery import quantity
from cluster.machinery.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object, deep_copy

MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
RECLAIM = ("Delete", "Recycle", "Retain")
CLAIM_TEXT = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims"
)
SOURCE_TEXT = "spec.persistentvolumesource is immutable after creation"
# Every field of a PersistentVolumeSpec that is not a volume source.
NOT_SOURCES = frozenset(
    (
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
        "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName",
        "volumeMode",
    )
)  # fmt: skip


def default_claim_spec(spec: Object) -> None:
    spec.setdefault("volumeMode", "Filesystem")
    canonical_amounts(spec.get("resources") or {})
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source and not reference:
        spec["dataSourceRef"] = dict(source)
    elif reference and not source and not reference.get("namespace"):
        spec["dataSource"] = dict(reference)


def access_modes(modes: Any, path: str) -> list[Cause]:
    if not modes:
        return [required(path, "at least 1 access mode is required")]
    causes = [not_supported(path, mode, MODES) for mode in modes if mode not in MODES]
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        text = "may not use ReadWriteOncePod with other access modes"
        causes.append(forbidden_field(path, text))
    return causes


def check_claim_spec(spec: Object, path: str) -> list[Cause]:
    causes = access_modes(spec.get("accessModes"), f"{path}.accessModes")
    if spec.get("selector"):
        causes += check_label_selector(spec["selector"], f"{path}.selector")
    requests = (spec.get("resources") or {}).get("requests") or {}
    where = f"{path}.resources[storage]"
    if "storage" not in requests:
        causes.append(required(where))
    else:
        causes += positive(requests["storage"], where)
    for field in ("storageClassName", "volumeAttributesClassName"):
        value = spec.get(field)
        if value:
            causes += [invalid_value(f"{path}.{field}", value, t) for t in names.subdomain(value)]
    if spec.get("volumeMode") not in VOLUME_MODES:
        causes.append(not_supported(f"{path}.volumeMode", spec.get("volumeMode"), VOLUME_MODES))
    return causes


class PersistentVolumeClaims(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        default_claim_spec(obj.setdefault("spec", {}))

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}

    def check(self, obj: Object) -> list[Cause]:
        return check_claim_spec(obj["spec"], "spec")

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        before, after = deep_copy(old["spec"]), deep_copy(new["spec"])
        if not before.get("volumeName"):
            after.pop("volumeName", None)  # it is set once, by whoever binds the claim
            before.pop("volumeName", None)
        size, was = _storage(after), _storage(before)
        if (old.get("status") or {}).get("phase") == "Bound" and size is not None:
            after["resources"]["requests"]["storage"] = was
            after.pop("volumeAttributesClassName", None)
            before.pop("volumeAttributesClassName", None)
        if after != before:
            causes.append(forbidden_field("spec", CLAIM_TEXT))
        if size is not None and was is not None and _less(size, was):
            have = ((old.get("status") or {}).get("capacity") or {}).get("storage")
            if have is None or not _less(have, size):
                text = "field can not be less than status.capacity"
                causes.append(forbidden_field("spec.resources.requests.storage", text))
        return causes + names.immutable_as("volumeMode", new, old, "spec.volumeMode")

    def fields(self, obj: Object) -> dict[str, str]:
        return {}


def _storage(spec: Object) -> Any:
    return ((spec.get("resources") or {}).get("requests") or {}).get("storage")


def _less(one: Any, other: Any) -> bool:
    return quantity.parse(str(one)) < quantity.parse(str(other))


class PersistentVolumes(WithStatus):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")
        if isinstance(spec.get("hostPath"), dict):
            spec["hostPath"].setdefault("type", "")
        canonical_amounts({"requests": spec.get("capacity")})

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes = access_modes(spec.get("accessModes"), "spec.accessModes")
        causes += _check_capacity(spec.get("capacity") or {})
        policy = spec["persistentVolumeReclaimPolicy"]
        if policy not in RECLAIM:
            causes.append(not_supported("spec.persistentVolumeReclaimPolicy", policy, RECLAIM))
        causes += _check_source(spec)
        if name := spec.get("storageClassName"):
            path = "spec.storageClassName"
            causes += [invalid_value(path, name, t) for t in names.subdomain(name)]
        if spec["volumeMode"] not in VOLUME_MODES:
            causes.append(not_supported("spec.volumeMode", spec["volumeMode"], VOLUME_MODES))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        before = {k: v for k, v in old["spec"].items() if k not in NOT_SOURCES}
        after = {k: v for k, v in new["spec"].items() if k not in NOT_SOURCES}
        if before != after:
            causes.append(forbidden_field("spec.persistentvolumesource", SOURCE_TEXT))
        causes += names.immutable_as("volumeMode", new, old, "spec.volumeMode")
        affinity = old["spec"].get("nodeAffinity")
        if affinity and new["spec"].get("nodeAffinity") != affinity:
            text = "field is immutable, except for updating from beta label to GA"
            causes.append(invalid_value("nodeAffinity", new["spec"].get("nodeAffinity"), text))
        return causes

    def fields(self, obj: Object) -> dict[str, str]:
        return {}


def _check_capacity(capacity: Object) -> list[Cause]:
    path = "spec.capacity"
    if not capacity:
        return [required(path)]
    if set(capacity) != {"storage"}:
        return [not_supported(path, capacity, ("storage",))]
    return positive(capacity["storage"], f"{path}[storage]")


def _check_source(spec: Object) -> list[Cause]:
    sources = [k for k in spec if k not in NOT_SOURCES and spec[k] is not None]
    if not sources:
        return [required("spec", "must specify a volume type")]
    text = "may not specify more than 1 volume type"
    causes = [forbidden_field(f"spec.{extra}", text) for extra in sources[1:]]
    host, local = spec.get("hostPath"), spec.get("local")
    if host is not None:
        if not host.get("path"):
            causes.append(required("spec.hostPath.path"))
        if host.get("path") == "/" and spec["persistentVolumeReclaimPolicy"] == "Recycle":
            text = "may not be '/' for a recycle operation"
            causes.append(forbidden_field("spec.hostPath.path", text))
    if local is not None:
        if not local.get("path"):
            causes.append(required("spec.local.path"))
        if not spec.get("nodeAffinity"):
            text = "Local volume requires node affinity"
            causes.append(required("spec.nodeAffinity", text))
    csi = spec.get("csi")
    if csi is not None:
        if not csi.get("driver"):
            causes.append(required("spec.csi.driver"))
        if not csi.get("volumeHandle"):
            causes.append(required("spec.csi.volumeHandle"))
    return causes
