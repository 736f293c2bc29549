"""/openapi/v2 and /openapi/v3, built from the schemas and the resource table.

kubectl reads v3 for explain and validation, and v2, as gnostic protobuf, to apply Lists. Models
k8s.io/kube-openapi.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from cluster.apiserver import discovery
from cluster.apiserver.resources import SERVED, Resource
from cluster.apiserver.schema.definitions import VERSION, Schema, definitions

WRITES = ("dryRun", "fieldManager", "fieldValidation")
OPERATIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("get", "get", ()),
    ("put", "put", WRITES),
    ("patch", "patch", (*WRITES, "force")),
    ("delete", "delete", ("dryRun", "gracePeriodSeconds", "propagationPolicy")),
)


def _operation(
    resource: Resource, action: str, parameters: tuple[str, ...], v3: bool
) -> dict[str, Any]:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    shape: dict[str, Any] = {"type": "string", "uniqueItems": True}
    listed = [
        {"name": p, "in": "query", **({"schema": shape} if v3 else shape)} for p in parameters
    ]
    scope = "Namespaced" if resource.namespaced else ""
    group = resource.group.partition(".")[0].capitalize() or "Core"
    return {
        "operationId": f"{action}{group}{resource.version.capitalize()}{scope}{resource.kind}",
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": kind,
        "parameters": listed,
        "responses": {"200": {"description": "OK"}},
    }


def _paths(resources: list[Resource], v3: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for resource in resources:
        root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
        base = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
        path = f"{base}/{resource.plural}"
        out[path] = {
            "get": _operation(resource, "list", ("limit", "continue", "labelSelector"), v3),
            "post": _operation(resource, "post", WRITES, v3),
        }
        out[f"{path}/{{name}}"] = {
            method: _operation(resource, action, parameters, v3)
            for method, action, parameters in OPERATIONS
        }
    return out


def _with_refs(node: Any, prefix: str, v3: bool) -> Any:
    """Bare definition names become references; v3 wants them alone, or in an allOf."""
    if isinstance(node, list):
        return [_with_refs(n, prefix, v3) for n in node]
    if not isinstance(node, dict):
        return node
    out = {k: _with_refs(v, prefix, v3) for k, v in node.items()}
    ref = node.get("$ref")
    if not isinstance(ref, str):
        return out
    out["$ref"] = prefix + ref
    if v3 and len(out) > 1:
        return {**{k: v for k, v in out.items() if k != "$ref"}, "allOf": [{"$ref": prefix + ref}]}
    return out


def _names(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*(_names(v) for v in node.values()))
    if isinstance(node, list):
        return set().union(*(_names(v) for v in node))
    return set()


def _closure(group: str, version: str, every: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions of a group and version, and all they refer to."""
    waiting = [
        name
        for name, schema in every.items()
        if any(
            (g["group"], g["version"]) == (group, version)
            for g in schema.get("x-kubernetes-group-version-kind") or ()
        )
    ]
    out: dict[str, Schema] = {}
    while waiting:
        name = waiting.pop()
        if name not in out:
            out[name] = every[name]
            waiting += sorted(_names(every[name]))
    return dict(sorted(out.items()))


def group_path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


@lru_cache(maxsize=64)
def v3_document(group: str, version: str) -> bytes:
    return v3_of(group, version, SERVED)


def v3_of(
    group: str, version: str, served: Sequence[Resource], more: dict[str, Schema] | None = None
) -> bytes:
    """`more`: definitions of custom resources."""
    resources = list(discovery.of(group, version, served))
    every = {**definitions(), **(more or {})}
    return orjson.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": f"v{VERSION}"},
            "paths": _paths(resources, v3=True),
            "components": {
                "schemas": _with_refs(
                    _closure(group, version, every), "#/components/schemas/", v3=True
                )
            },
        }
    )


def v3_index(
    served: Sequence[Resource] = SERVED, document: Callable[[str, str], bytes] = v3_document
) -> bytes:
    paths = {}
    for group, versions in discovery.groups(served).items():
        for version in versions:
            path = group_path(group, version)
            digest = sha256(document(group, version)).hexdigest()[:32].upper()
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return orjson.dumps({"paths": paths})


def custom_v2(served: Sequence[Resource], more: dict[str, Schema]) -> dict[str, Any]:
    """Only what custom resources add to the document."""
    return {
        "paths": _paths(list(served), v3=False),
        "definitions": _with_refs(more, "#/definitions/", v3=False),
    }


def custom_v2_json(served: Sequence[Resource], more: dict[str, Schema]) -> bytes:
    whole, part = orjson.loads(v2_json()), custom_v2(served, more)
    whole["paths"] |= part["paths"]
    whole["definitions"] |= part["definitions"]
    return orjson.dumps(whole)


def custom_v2_protobuf(served: Sequence[Resource], more: dict[str, Schema]) -> bytes:
    """Protobuf documents are merged by writing one after the other."""
    return v2_protobuf() + _contents(custom_v2(served, more))


def _v2() -> dict[str, Any]:
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": f"v{VERSION}"},
        "paths": _paths(SERVED, v3=False),
        "definitions": _with_refs(definitions(), "#/definitions/", v3=False),
    }


@lru_cache(maxsize=1)
def v2_json() -> bytes:
    return orjson.dumps(_v2())


@lru_cache(maxsize=1)
def v2_protobuf() -> bytes:
    return _document(_v2())


# ---- gnostic's OpenAPIv2.proto, field numbers as published there


def _tag(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _text(number: int, value: Any) -> bytes:
    return _tag(number, str(value).encode())


def _extensions(number: int, node: dict[str, Any]) -> bytes:
    return b"".join(
        _tag(number, _text(1, k) + _tag(2, _tag(2, orjson.dumps(v))))
        for k, v in node.items()
        if k.startswith("x-")
    )


def _document(document: dict[str, Any]) -> bytes:
    info = document["info"]
    about = _text(1, info["title"]) + _text(2, info["version"])
    return _text(1, "2.0") + _tag(2, about) + _contents(document)


def _contents(document: dict[str, Any]) -> bytes:
    paths = b"".join(
        _tag(2, _text(1, path) + _tag(2, _path_item(item)))
        for path, item in document["paths"].items()
    )
    schemas = b"".join(
        _tag(1, _text(1, name) + _tag(2, _schema(schema)))
        for name, schema in document["definitions"].items()
    )
    return _tag(8, paths) + _tag(9, schemas)


METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def _path_item(item: dict[str, Any]) -> bytes:
    return b"".join(_tag(METHODS[method], _encode_operation(op)) for method, op in item.items())


def _encode_operation(operation: dict[str, Any]) -> bytes:
    out = _text(5, operation["operationId"])
    for parameter in operation["parameters"]:
        query = _text(2, "query") + _text(4, parameter["name"]) + _text(6, parameter["type"])
        out += _tag(8, _tag(1, _tag(2, _tag(3, query))))
    response = _tag(1, _text(1, "OK"))
    out += _tag(9, _tag(1, _text(1, "200") + _tag(2, response)))
    return out + _extensions(13, operation)


def _schema(schema: Schema) -> bytes:
    out = b""
    if "$ref" in schema:
        out += _text(1, schema["$ref"])
    for field, number in (("format", 2), ("title", 3), ("description", 4)):
        if field in schema:
            out += _text(number, schema[field])
    for name in schema.get("required") or ():
        out += _text(19, name)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        out += _tag(21, _tag(1, _schema(extra)))
    if "type" in schema:
        out += _tag(22, _text(1, schema["type"]))
    if "items" in schema:
        out += _tag(23, _tag(1, _schema(schema["items"])))
    properties = schema.get("properties")
    if properties:
        out += _tag(
            25,
            b"".join(_tag(1, _text(1, n) + _tag(2, _schema(s))) for n, s in properties.items()),
        )
    return out + _extensions(31, schema)
