"""Definitions of custom resources for /openapi. Models controller/openapi/builder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.custom.schema.structural import (
    EMBEDDED,
    INT_OR_STRING,
    PRESERVE,
    Schema,
    items_of,
)

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should "
    "convert recognized schemas to the latest internal value, and may reject unrecognized values. "
    "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
    "api-conventions.md#resources"
)
KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may "
    "infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. "
    "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
    "api-conventions.md#types-kinds"
)
STANDARD = (
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/"
    "sig-architecture/api-conventions.md#metadata"
)
# What OpenAPI v2 cannot say, or kubectl would read wrongly.
NOT_IN_V2 = (
    "nullable", "oneOf", "anyOf", "allOf", "not", "exclusiveMaximum", "exclusiveMinimum", "default",
)  # fmt: skip


def name_of(resource: CustomResource) -> str:
    group = ".".join(reversed(resource.group.split(".")))
    return f"{group}.{resource.version}.{resource.kind}"


def definitions(resources: Iterable[CustomResource], v2: bool) -> dict[str, Schema]:
    """By name, with references as bare names: the object's and the list's."""
    out = {}
    for resource in resources:
        name = name_of(resource)
        out[name] = _object(resource, v2)
        out[f"{name}List"] = _list(resource, name)
    return out


def _kinds(resource: CustomResource, kind: str) -> list[dict[str, str]]:
    return [{"group": resource.group, "version": resource.version, "kind": kind}]


def _object(resource: CustomResource, v2: bool) -> Schema:
    schema = resource.version_info.schema
    bare = resource.version_info.preserving or (v2 and schema.get(PRESERVE))
    out: dict[str, Any] = {"type": "object"} if bare else _node(schema, v2)
    out["x-kubernetes-group-version-kind"] = _kinds(resource, resource.kind)
    if not bare or out.get("properties"):
        out["properties"] = {**(out.get("properties") or {}), **_meta()}
    return out


def _meta() -> dict[str, Schema]:
    return {
        "apiVersion": {"type": "string", "description": API_VERSION},
        "kind": {"type": "string", "description": KIND},
        "metadata": {"$ref": f"{META}ObjectMeta", "description": STANDARD},
    }


def _list(resource: CustomResource, name: str) -> Schema:
    kind = f"{resource.kind}List"
    plural = resource.plural
    more = "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
    return {
        "type": "object",
        "description": f"{kind} is a list of {resource.kind}",
        "required": ["items"],
        "properties": {
            **_meta(),
            "items": {
                "type": "array",
                "description": f"List of {plural}. {more}",
                "items": {"$ref": name},
            },
            "metadata": {"$ref": f"{META}ListMeta", "description": STANDARD},
        },
        "x-kubernetes-group-version-kind": _kinds(resource, kind),
    }


def _node(schema: Schema, v2: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        k: v for k, v in schema.items() if not (v2 and k in NOT_IN_V2) and v is not None
    }
    if v2 and schema.get(INT_OR_STRING):
        out.pop("type", None)
    if v2 and schema.get(PRESERVE):
        # Older kubectl prunes below a type it knows.
        for key in ("type", "properties", "items", "additionalProperties", "required"):
            out.pop(key, None)
        return out
    if schema.get("properties"):
        out["properties"] = {k: _node(v, v2) for k, v in schema["properties"].items()}
    if schema.get(EMBEDDED) and not v2:
        out["properties"] = {**(out.get("properties") or {}), **_meta()}
    if isinstance(schema.get("additionalProperties"), dict):
        out["additionalProperties"] = _node(schema["additionalProperties"], v2)
    inner = items_of(schema)
    if inner is not None:
        out["items"] = _node(inner, v2)
    return out


def merge_schema(schema: Schema, preserving: bool) -> Schema:
    """A whole object for server-side apply: as written, with the metadata every object has."""
    out = {**schema, "type": "object"}
    if preserving:
        out[PRESERVE] = True
    out["properties"] = {**(schema.get("properties") or {}), **_meta()}
    return out
