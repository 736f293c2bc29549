"""Does an object have the shape of its kind? Models the strict decoding of upstream's JSON.

Checkers are closures, compiled once per definition, so that a pod is checked in microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cluster.apiserver.schema.definitions import (
    INT_OR_STRING,
    QUANTITY,
    definition_for,
    definitions,
)
from cluster.machinery import quantity

GO_TYPES = {"string": "string", "integer": "int64", "boolean": "bool", "number": "float64"}
WORDS: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
}


@dataclass(slots=True)
class Findings:
    """`unknown` are field paths; `mismatch` is Go's text for the first wrong type, or empty."""

    unknown: list[str] = field(default_factory=list)
    mismatch: str = ""


META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
INDEX = re.compile(r"\[\d+\]")
Checker = Callable[[Any, str, Findings], None]


def check(group: str, version: str, kind: str, obj: Any) -> Findings:
    """A kind without a schema has nothing to be found."""
    found = Findings()
    name = definition_for(group, version, kind)
    if name:
        _for_definition(name)(obj, "", found)
    return found


def check_metadata(meta: Any) -> Findings:
    """metadata of an object whose kind the published schemas do not know."""
    found = Findings()
    _for_definition(META)(meta, "metadata", found)
    return found


@lru_cache(maxsize=2048)
def _for_definition(name: str) -> Checker:
    if name == QUANTITY:
        return _quantity
    if name == INT_OR_STRING:
        return _scalar((str, int), "intstr.IntOrString", "")
    schema = definitions()[name]
    struct = name.rpartition(".")[2]
    if "properties" in schema:
        return _struct(schema, struct)
    return _anything if schema.get("type", "object") == "object" else _compile(schema, struct, "")


def _compile(schema: dict[str, Any], struct: str, path: str) -> Checker:
    if "$ref" in schema:
        return _lazy(schema["$ref"])
    kind = schema.get("type")
    where = struct if path else ""
    if kind == "array":
        return _array(_compile(schema.get("items", {}), struct, path), where)
    if kind == "object" or "properties" in schema:
        if "properties" in schema:
            return _struct(schema, struct)
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            return _map(_compile(values, struct, path), where)
        return _anything
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "number": (int, float),
    }
    if kind not in types:
        return _anything
    go = {"int32": "int32", "int64": "int64"}.get(schema.get("format", ""), GO_TYPES[kind])
    if schema.get("format") == "byte":
        go = "[]uint8"
    return _scalar(types[kind], go, where)


def _lazy(name: str) -> Checker:
    """Definitions refer to each other in circles."""

    def checker(value: Any, path: str, found: Findings) -> None:
        _for_definition(name)(value, path, found)

    return checker


def _anything(value: Any, path: str, found: Findings) -> None:
    return None


def _mismatch(found: Findings, value: Any, where: str, go: str, path: str = "") -> None:
    """`where` is the Go struct; the path is the whole way from the object's root."""
    if where:
        where = f"{where}.{INDEX.sub('', path)}"
    if not found.mismatch:
        where = f"Go struct field {where}" if where else "Go value"
        word = WORDS.get(type(value), "object")
        if word == "number":
            word = f"number {value}" if isinstance(value, float) else "number"
        found.mismatch = f"json: cannot unmarshal {word} into {where} of type {go}"


def _scalar(types: tuple[type, ...], go: str, where: str) -> Checker:
    numbers_only = bool not in types

    def checker(value: Any, path: str, found: Findings) -> None:
        wrong = numbers_only and isinstance(value, bool)
        if value is None or (isinstance(value, types) and not wrong):
            return
        _mismatch(found, value, where, go, path)

    return checker


def _quantity(value: Any, path: str, found: Findings) -> None:
    """Quantities are parsed while they are decoded, so a bad one is no validation error."""
    if value is None or quantity.is_valid(value) or found.mismatch:
        return
    if isinstance(value, str):
        found.mismatch = quantity.problem(value)
    else:
        found.mismatch = quantity.FORMAT


def _array(item: Checker, where: str) -> Checker:
    def checker(value: Any, path: str, found: Findings) -> None:
        if value is None:
            return
        if not isinstance(value, list):
            _mismatch(found, value, where, "[]interface {}", path)
            return
        for index, entry in enumerate(value):
            item(entry, f"{path}[{index}]", found)

    return checker


def _map(item: Checker, where: str) -> Checker:
    def checker(value: Any, path: str, found: Findings) -> None:
        if value is None:
            return
        if not isinstance(value, dict):
            _mismatch(found, value, where, "map[string]string", path)
            return
        for key, entry in value.items():
            item(entry, f"{path}.{key}", found)

    return checker


def _struct(schema: dict[str, Any], struct: str) -> Checker:
    fields = {
        name: _compile(sub, struct, name) for name, sub in schema.get("properties", {}).items()
    }

    def checker(value: Any, path: str, found: Findings) -> None:
        if value is None:
            return
        if not isinstance(value, dict):
            _mismatch(found, value, "", f"v1.{struct}", path)
            return
        for key, entry in value.items():
            known = fields.get(key)
            here = f"{path}.{key}" if path else key
            if known is None:
                found.unknown.append(here)
            else:
                known(entry, here, found)

    return checker
