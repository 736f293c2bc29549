"""The small kinds of core/v1, coordination and discovery. Models pkg/registry/core."""

from __future__ import annotations

import base64
import binascii

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.kinds.podrules import EFFECTS
from cluster.apiserver.strategy import Context
from cluster.machinery import errors, quantity
from cluster.machinery.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from cluster.machinery.meta import Object, annotations_of

KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  "
    "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
MAX_DATA = 1024 * 1024


class Namespaces(Kind):
    """The `kubernetes` finalizer lives in spec; its controller removes it by /finalize."""

    has_status = True
    name_rule = staticmethod(names.label)

    def default(self, obj: Object) -> None:
        labels = obj["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._keep(new, old, "status")
        self._keep(new, old, "spec")
        labels = new["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = new["metadata"]["name"]

    def put(self, ctx: Context, subresource: str, new: Object, old: Object) -> Object:
        if subresource != "finalize":
            return super().put(ctx, subresource, new, old)
        return {**old, "metadata": {**old["metadata"]}, "spec": new.get("spec") or {}}

    def view(self, ctx: Context, subresource: str, obj: Object) -> Object:
        return obj if subresource == "finalize" else super().view(ctx, subresource, obj)

    def held(self, obj: Object) -> bool:
        return bool((obj.get("spec") or {}).get("finalizers"))

    def begin_termination(self, obj: Object) -> Object:
        return {**obj, "status": {**obj.get("status", {}), "phase": "Terminating"}}

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.phase": obj.get("status", {}).get("phase", "")}


class Nodes(Kind):
    has_status = True

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        """Kubelets register with their status (nodeStrategy keeps it, too)."""
        obj.setdefault("spec", {})

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        self._keep(new, old, "status")
        new.setdefault("spec", {})

    def check(self, obj: Object) -> list[Cause]:
        causes: list[Cause] = []
        seen: set[tuple[str, str]] = set()
        for index, taint in enumerate(obj["spec"].get("taints") or ()):
            path = f"spec.taints[{index}]"
            if not names.selectors.is_label_key(taint.get("key", "")):
                text = names.selectors.NAME_FORMAT
                causes.append(invalid_value(f"{path}.key", taint.get("key", ""), text))
            if taint.get("effect") not in EFFECTS:
                causes.append(not_supported(f"{path}.effect", taint.get("effect", ""), EFFECTS))
            identity = (taint.get("key", ""), taint.get("effect", ""))
            if identity in seen:
                causes.append(duplicate(path, taint))
            seen.add(identity)
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        before, after = old["spec"].get("podCIDR"), new["spec"].get("podCIDR")
        if before and after != before:
            text = 'node updates may not change podCIDR except from "" to valid'
            causes.append(forbidden_field("spec.podCIDRs", text))
        return causes

    def fields(self, obj: Object) -> dict[str, str]:
        return {"spec.unschedulable": str(bool(obj.get("spec", {}).get("unschedulable"))).lower()}


def _check_keys(obj: Object, *fields: str) -> list[Cause]:
    causes: list[Cause] = []
    total = 0
    for field in fields:
        for key, value in (obj.get(field) or {}).items():
            total += len(value)
            if not names.CONFIG_KEY.fullmatch(key):
                causes.append(invalid_value(f"{field}[{key}]", key, KEY_TEXT))
    if total > MAX_DATA:
        causes.append(errors.too_long("", MAX_DATA))
    return causes


def _frozen(new: Object, old: Object, *fields: str) -> list[Cause]:
    """An immutable ConfigMap or Secret keeps its data, and stays immutable."""
    if not old.get("immutable"):
        return []
    text = "field is immutable when `immutable` is set"
    changed = [f for f in fields if new.get(f) != old.get(f)]
    if not new.get("immutable"):
        changed.insert(0, "immutable")
    return [forbidden_field(field, text) for field in changed]


class ConfigMaps(Kind):
    def check(self, obj: Object) -> list[Cause]:
        causes = _check_keys(obj, "data", "binaryData")
        both = set(obj.get("data") or ()) & set(obj.get("binaryData") or ())
        text = "duplicate of key present in data"
        return causes + [invalid_value(f"binaryData[{k}]", k, text) for k in sorted(both)]

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + _frozen(new, old, "data", "binaryData")


TOKEN = "kubernetes.io/service-account-token"


class Secrets(Kind):
    def default(self, obj: Object) -> None:
        obj.setdefault("type", "Opaque")

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        _merge_string_data(obj)

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        _merge_string_data(new)

    def check(self, obj: Object) -> list[Cause]:
        causes = _check_keys(obj, "data")
        needed = {
            "kubernetes.io/tls": ("tls.crt", "tls.key"),
            "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
        }.get(obj["type"], ())
        account = "kubernetes.io/service-account.name"
        if obj["type"] == TOKEN and not annotations_of(obj).get(account):
            causes.append(required(f"metadata.annotations[{account}]"))
        return causes + [required(f"data[{k}]") for k in needed if k not in (obj.get("data") or {})]

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "type") + _frozen(new, old, "data")

    def fields(self, obj: Object) -> dict[str, str]:
        return {"type": obj.get("type", "")}


def _merge_string_data(obj: Object) -> None:
    plain = obj.pop("stringData", None)
    data = obj.setdefault("data", {}) if plain else obj.get("data") or {}
    for key, value in (plain or {}).items():
        data[key] = base64.b64encode(value.encode()).decode()
    for key, value in data.items():
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, ValueError) as error:
            text = f"illegal base64 data at input byte 0: data[{key}]"
            raise errors.bad_request(
                f'Secret in version "v1" cannot be handled as a Secret: {text}'
            ) from error


class Leases(Kind):
    allow_create_on_update = True

    def check(self, obj: Object) -> list[Cause]:
        duration = (obj.get("spec") or {}).get("leaseDurationSeconds")
        if isinstance(duration, int) and duration <= 0:
            path, text = "spec.leaseDurationSeconds", "must be greater than 0"
            return [invalid_value(path, duration, text)]
        return []


class Endpoints(Kind):
    allow_create_on_update = True


class EndpointSlices(Kind):
    tracks_generation = True

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        """Its generation counts every change of content."""
        generation = old["metadata"].get("generation", 1)
        same = all(new.get(f) == old.get(f) for f in ("endpoints", "ports", "addressType"))
        new["metadata"]["generation"] = generation if same else generation + 1

    def check(self, obj: Object) -> list[Cause]:
        families = ("IPv4", "IPv6", "FQDN")
        if not obj.get("addressType"):
            return [required("addressType", f"must specify address type: {', '.join(families)}")]
        if obj["addressType"] not in families:
            return [not_supported("addressType", obj["addressType"], families)]
        return []

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new) + names.immutable(new, old, "addressType")


class Machines(Kind):
    """orrery.sim: the hardware a kubelet runs on."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("role", "worker")
        spec.setdefault("cpu", "8")
        spec.setdefault("memory", "16Gi")
        spec.setdefault("pods", 110)

    def check(self, obj: Object) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        if spec["role"] not in ("control-plane", "worker"):
            causes.append(not_supported("spec.role", spec["role"], ("control-plane", "worker")))
        for field in ("cpu", "memory"):
            amount = spec[field]
            if not quantity.is_valid(amount) or quantity.parse(str(amount)) <= 0:
                causes.append(
                    invalid_value(f"spec.{field}", amount, "must be a quantity greater than 0")
                )
        if not isinstance(spec["pods"], int) or not 0 < spec["pods"] <= 1000:
            causes.append(
                invalid_value("spec.pods", spec["pods"], "must be between 1 and 1000, inclusive")
            )
        return causes
