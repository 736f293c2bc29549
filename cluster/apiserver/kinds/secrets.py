"""ConfigMaps and Secrets. Models pkg/apis/core (defaults, validation)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.errors import Cause, forbidden_field, invalid_value, required, too_long
from cluster.machinery.meta import Object, annotations_of

MAX_DATA = 1024 * 1024
ACCOUNT = "kubernetes.io/service-account.name"
REDACTED = "<secret contents redacted>"
NEEDED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
}
JSON = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}


def _keys(found: Mapping[str, str] | None, path: str) -> list[Cause]:
    return [
        invalid_value(f"{path}[{key}]", key, text)
        for key in found or ()
        for text in names.config_key(key)
    ]


def _decoded_size(value: str) -> int:
    return len(value) * 3 // 4 - value.count("=", -2)


def _frozen(new: Object, old: Object, *fields: str) -> list[Cause]:
    """An immutable ConfigMap or Secret keeps its data, and stays immutable."""
    if not old.get("immutable"):
        return []
    text = "field is immutable when `immutable` is set"
    changed = [f for f in fields if (new.get(f) or {}) != (old.get(f) or {})]
    if not new.get("immutable"):
        changed.insert(0, "immutable")
    return [forbidden_field(field, text) for field in changed]


class ConfigMaps(Kind):
    def check(self, obj: Object) -> list[Cause]:
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        causes = _keys(data, "data")
        text = "duplicate of key present in binaryData"
        causes += [invalid_value(f"data[{k}]", k, text) for k in data if k in binary]
        causes += _keys(binary, "binaryData")
        size = sum(len(v.encode()) for v in data.values())
        size += sum(_decoded_size(v) for v in binary.values())
        return [*causes, too_long("[]", MAX_DATA)] if size > MAX_DATA else causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return _frozen(new, old, "data", "binaryData") + self.check(new)


class Secrets(Kind):
    def default(self, obj: Object) -> None:
        obj.setdefault("type", "Opaque")

    def prepare_for_create(self, ctx: Context, obj: Object) -> None:
        _merge_string_data(obj)

    def prepare_for_update(self, ctx: Context, new: Object, old: Object) -> None:
        _merge_string_data(new)

    def check(self, obj: Object) -> list[Cause]:
        data = obj.get("data") or {}
        causes = _keys(data, "data")
        if sum(_decoded_size(v or "") for v in data.values()) > MAX_DATA:
            causes.append(too_long("data", MAX_DATA))
        return causes + _check_type(obj, data)

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = names.immutable(new, old, "type") + _frozen(new, old, "data")
        return causes + self.check(new)

    def fields(self, obj: Object) -> dict[str, str]:
        return {"type": obj.get("type", "")}


def _check_type(obj: Object, data: Mapping[str, str]) -> list[Cause]:
    kind = obj["type"]
    if kind == "kubernetes.io/service-account-token":
        named = annotations_of(obj).get(ACCOUNT)
        return [] if named else [required(f"metadata.annotations[{ACCOUNT}]")]
    if kind == "kubernetes.io/basic-auth":
        if "username" in data or "password" in data:
            return []
        return [required("data[username]"), required("data[password]")]
    missing = [
        required(f"data[{key}]")
        for key in NEEDED.get(kind, ())
        if key not in data or (kind == "kubernetes.io/ssh-auth" and not data[key])
    ]
    if missing or kind not in JSON:
        return missing
    try:
        json.loads(base64.b64decode(data[JSON[kind]] or ""))
    except ValueError as error:
        text = "unexpected end of JSON input" if not data[JSON[kind]] else str(error)
        return [invalid_value(f"data[{JSON[kind]}]", REDACTED, text)]
    return []


def _merge_string_data(obj: Object) -> None:
    plain = obj.pop("stringData", None)
    data = obj.setdefault("data", {}) if plain else obj.get("data") or {}
    for key, value in (plain or {}).items():
        data[key] = base64.b64encode(value.encode()).decode()
    for value in data.values():
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, ValueError) as error:
            text = f"illegal base64 data at input byte {_bad_byte(value)}"
            raise errors.bad_request(
                f'Secret in version "v1" cannot be handled as a Secret: {text}'
            ) from error


def _bad_byte(value: str) -> int:
    """Where Go's decoder stops: the first foreign character, or the end of a short text."""
    for index, char in enumerate(value):
        if not (char.isascii() and (char.isalnum() or char in "+/=")):
            return index
    return len(value) // 4 * 4
