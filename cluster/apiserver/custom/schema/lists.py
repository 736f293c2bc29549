"""x-kubernetes-list-type and -list-map-keys in a CustomResourceDefinition's schema."""

from __future__ import annotations

from cluster.apiserver.custom.schema.structural import (
    LIST_TYPE,
    MAP_KEYS,
    MAP_TYPE,
    Schema,
    items_of,
)
from cluster.machinery.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)

KINDS = ("atomic", "set", "map")


def list_causes(schema: Schema, path: str) -> list[Cause]:
    causes: list[Cause] = []
    kind, list_type, keys = schema.get("type") or "", schema.get(LIST_TYPE), schema.get(MAP_KEYS)
    inner = items_of(schema)
    if list_type and kind != "array":
        where, text = f"{path}.type", "must be array if x-kubernetes-list-type is specified"
        causes.append(invalid_value(where, kind, text) if kind else required(where, text))
    elif list_type == "set" and inner is not None:
        causes += _atomic(inner, f"{path}.items")
    if list_type and list_type not in KINDS:
        causes.append(not_supported(f"{path}.{LIST_TYPE}", list_type, KINDS))
    if keys and list_type != "map":
        text = "must be map if x-kubernetes-list-map-keys is non-empty"
        where = f"{path}.{LIST_TYPE}"
        causes.append(invalid_value(where, list_type, text) if list_type else required(where, text))
    if list_type == "map":
        causes += _map(schema, inner, path)
    if list_type in ("set", "map") and inner is not None and inner.get("nullable"):
        text = f"cannot be nullable when x-kubernetes-list-type is {list_type}"
        causes.append(forbidden_field(f"{path}.items.nullable", text))
    return causes


def _atomic(inner: Schema, path: str) -> list[Cause]:
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if inner.get("type") == "array" and inner.get(LIST_TYPE) not in (None, "atomic"):
        return [invalid_value(f"{path}.{LIST_TYPE}", inner[LIST_TYPE], text)]
    if inner.get("type") == "object" and inner.get(MAP_TYPE) != "atomic":
        return [invalid_value(f"{path}.{MAP_TYPE}", inner.get(LIST_TYPE), text)]
    return []


def _map(schema: Schema, inner: Schema | None, path: str) -> list[Cause]:
    causes: list[Cause] = []
    keys, where = schema.get(MAP_KEYS) or [], f"{path}.{MAP_KEYS}"
    if not keys:
        causes.append(required(where, "must not be empty if x-kubernetes-list-type is map"))
    if inner is None:
        text = "must have a schema if x-kubernetes-list-type is map"
        return [*causes, required(f"{path}.items", text)]
    if inner.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        return [*causes, invalid_value(f"{path}.items.type", inner.get("type", ""), text)]
    properties = inner.get("properties") or {}
    for index, key in enumerate(keys):
        found, here = properties.get(key), f"{path}.items.properties[{key}]"
        if found is None:
            text = "entries must all be names of item properties"
            causes.append(invalid_value(where, keys, text))
            continue
        if found.get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            causes.append(invalid_value(f"{here}.type", inner.get("type", ""), text))
        if key in keys[:index]:
            causes.append(invalid_value(where, keys, "must not contain duplicate entries"))
        if key not in (inner.get("required") or ()) and "default" not in found:
            text = (
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
                "required property"
            )
            causes.append(required(f"{here}.default", text))
        if found.get("nullable"):
            text = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            causes.append(forbidden_field(f"{here}.nullable", text))
    return causes
