"""Definitions by name, in the form that OpenAPI v2 and v3 and our own checks share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import kubernetes_validate
import orjson
import yaml

VERSION = "1.35.0"
Schema = dict[str, Any]
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"


def _raw() -> dict[str, Schema]:
    base = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    data = (base / f"v{VERSION}-local" / "_definitions.json").read_bytes()
    ours = Path(__file__).with_name("data") / "orrery.yaml"
    found: dict[str, Schema] = orjson.loads(data)["$defs"]
    return {**found, **yaml.safe_load(ours.read_text())}


def _convert(node: Any) -> Any:
    """JSON Schema as published -> OpenAPI: no null types, references by name."""
    if isinstance(node, list):
        return [_convert(n) for n in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key == "type" and isinstance(value, list):
            out[key] = next(t for t in value if t != "null")
        elif key == "$ref" and isinstance(value, str):
            out[key] = value.rpartition("/")[2]
        else:
            out[key] = _convert(value)
    return out


@lru_cache(maxsize=1)
def definitions() -> dict[str, Schema]:
    """By definition name; `$ref` holds the bare name of another."""
    out = cast("dict[str, Schema]", {name: _convert(d) for name, d in _raw().items()})
    for schema in out.values():
        if "x-kubernetes-group-version-kind" in schema:
            for field in ("apiVersion", "kind"):
                schema.get("properties", {}).get(field, {}).pop("enum", None)
    out[QUANTITY] = {
        "type": "string",
        "description": "Quantity is a fixed-point representation of a number.",
    }
    out[INT_OR_STRING] = {
        "type": "string",
        "format": "int-or-string",
        "description": "IntOrString is a type that can hold an int32 or a string.",
    }
    return out


@lru_cache(maxsize=1)
def _by_kind() -> dict[tuple[str, str, str], str]:
    out = {}
    for name, schema in definitions().items():
        for gvk in schema.get("x-kubernetes-group-version-kind") or ():
            if len(schema["x-kubernetes-group-version-kind"]) == 1:
                out[gvk["group"], gvk["version"], gvk["kind"]] = name
    return out


def definition_for(group: str, version: str, kind: str) -> str:
    """The definition's name; empty when there is none."""
    return _by_kind().get((group, version, kind), "")


def resolve(schema: Schema | None) -> Schema:
    """Follow `$ref`; what stands beside it wins."""
    while schema and "$ref" in schema:
        beside = {k: v for k, v in schema.items() if k not in ("$ref", "description")}
        schema = {**definitions()[schema["$ref"]], **beside}
    return schema or {}
