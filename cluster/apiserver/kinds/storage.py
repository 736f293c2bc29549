"""storage.k8s.io. Models pkg/apis/storage and registry/storage."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.amounts import not_less_than_zero
from cluster.apiserver.kinds.base import Kind, WithStatus
from cluster.apiserver.kinds.selectorrules import check_label_selector
from cluster.apiserver.strategy import Context
from cluster.machinery import quantity, selectors
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from cluster.machinery.meta import Object

POLICIES = ("Delete", "Retain")
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
LIFECYCLES = ("Ephemeral", "Persistent")
MAX_PARAMETERS = 512
MAX_PARAMETER_BYTES = 256 * 1024


def _forbidden_updates(new: Object, old: Object, *fields: str) -> list[Cause]:
    return [
        forbidden_field(field, f"updates to {field} are forbidden.")
        for field in fields
        if new.get(field) != old.get(field)
    ]


def _check_parameters(found: Object, path: str) -> list[Cause]:
    if len(found) > MAX_PARAMETERS:
        text = f"Too many: {len(found)}: must have at most {MAX_PARAMETERS} items"
        return [Cause(path, "FieldValueTooMany", text)]
    causes = [invalid_value(path, key, "field can not be empty.") for key in found if not key]
    if sum(len(k) + len(v) for k, v in found.items()) > MAX_PARAMETER_BYTES:
        causes.append(too_long(path, MAX_PARAMETER_BYTES))
    return causes


def _qualified(value: str, path: str) -> list[Cause]:
    if not value:
        return [required(path, value)]
    if selectors.is_label_key(value.lower()):
        return []
    return [invalid_value(path, value, selectors.NAME_FORMAT)]


class StorageClasses(Kind):
    def default(self, obj: Object) -> None:
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def check(self, obj: Object) -> list[Cause]:
        causes = _qualified(obj.get("provisioner", ""), "provisioner")
        causes += _check_parameters(obj.get("parameters") or {}, "parameters")
        if obj["reclaimPolicy"] not in POLICIES:
            causes.append(not_supported("reclaimPolicy", obj["reclaimPolicy"], POLICIES))
        if obj["volumeBindingMode"] not in BINDING_MODES:
            mode = obj["volumeBindingMode"]
            causes.append(not_supported("volumeBindingMode", mode, BINDING_MODES))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        fields = ("parameters", "provisioner", "reclaimPolicy")
        return _forbidden_updates(new, old, *fields) + names.immutable(
            new, old, "volumeBindingMode"
        )


class VolumeAttributesClasses(Kind):
    def check(self, obj: Object) -> list[Cause]:
        causes = _qualified(obj.get("driverName", ""), "driverName")
        if not obj.get("parameters"):
            text = "must contain at least one key/value pair"
            causes.append(required("parameters", text))
        return causes + _check_parameters(obj.get("parameters") or {}, "parameters")

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return _forbidden_updates(new, old, "driverName", "parameters")


class CSIDrivers(Kind):
    tracks_generation = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("attachRequired", True)
        spec.setdefault("podInfoOnMount", False)
        spec.setdefault("storageCapacity", False)
        spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]
        spec.setdefault("requiresRepublish", False)
        spec.setdefault("seLinuxMount", False)

    def check(self, obj: Object) -> list[Cause]:
        spec, causes = obj["spec"], []
        if len(obj["metadata"].get("name", "")) > 63:
            causes.append(too_long("metadata.name", 63))
        if spec["fsGroupPolicy"] not in GROUP_POLICIES:
            path = "spec.fsGroupPolicy"
            causes.append(not_supported(path, spec["fsGroupPolicy"], GROUP_POLICIES))
        for mode in spec["volumeLifecycleModes"]:
            if mode not in LIFECYCLES:
                causes.append(not_supported("spec.volumeLifecycleModes", mode, LIFECYCLES))
        seen: set[str] = set()
        for index, request in enumerate(spec.get("tokenRequests") or ()):
            audience = request.get("audience", "")
            if audience in seen:
                causes.append(duplicate(f"spec.tokenRequests[{index}].audience", audience))
            seen.add(audience)
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        frozen = ("attachRequired", "volumeLifecycleModes")
        causes = self.check(new)
        for field in frozen:
            path = f"spec.{'attachedRequired' if field == 'attachRequired' else field}"
            causes += names.immutable_as(path, new, old, f"spec.{field}")
        return causes


class CSINodes(Kind):
    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        seen: set[str] = set()
        for index, driver in enumerate((obj.get("spec") or {}).get("drivers") or ()):
            path, name = f"spec.drivers[{index}]", driver.get("name", "")
            if not name:
                causes.append(required(f"{path}.name"))
            if name in seen:
                causes.append(duplicate(f"{path}.name", name))
            seen.add(name)
            if not driver.get("nodeID"):
                causes.append(required(f"{path}.nodeID"))
        return causes


class CSIStorageCapacities(Kind):
    def default(self, obj: Object) -> None:
        for field in ("capacity", "maximumVolumeSize"):
            if quantity.is_valid(obj.get(field)):
                obj[field] = quantity.canonical(obj[field])

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        name = obj.get("storageClassName", "")
        if not name:
            causes.append(required("storageClassName"))
        else:
            causes += [invalid_value("storageClassName", name, t) for t in names.subdomain(name)]
        if obj.get("nodeTopology"):
            causes += check_label_selector(obj["nodeTopology"], "nodeTopology")
        for field in ("capacity", "maximumVolumeSize"):
            if obj.get(field) is not None:
                causes += not_less_than_zero(obj[field], field)
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "nodeTopology", "storageClassName")


class VolumeAttachments(WithStatus):
    tracks_generation = False

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["status"] = {"attached": False}

    def check(self, obj: Object) -> list[Cause]:
        spec = obj.get("spec") or {}
        causes = _qualified(spec.get("attacher", ""), "spec.attacher")
        source = spec.get("source") or {}
        inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
        if inline is None and not name:
            text = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
            causes.append(required("spec.source", text))
        if not spec.get("nodeName"):
            causes.append(required("spec.nodeName"))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "spec")
