"""Facts about structural schemas that several walks need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
META_FIELDS = frozenset(("apiVersion", "kind", "metadata"))
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
RULES = "x-kubernetes-validations"
JUNCTORS = ("allOf", "anyOf", "oneOf")


def complete(schema: Schema) -> Schema:
    """The root of an object: its apiVersion, kind and metadata are never pruned."""
    return {**schema, EMBEDDED: True}


def items_of(schema: Schema | None) -> Schema | None:
    found = (schema or {}).get("items")
    if isinstance(found, list):  # JSONSchemaPropsOrArray
        return found[0] if found else None
    return found if isinstance(found, dict) else None


def additional(schema: Schema) -> Schema | None:
    """The schema of values that no property names; `true` says nothing about them."""
    found = schema.get("additionalProperties")
    if found is True:
        return {}
    return found if isinstance(found, dict) else None


def child(schema: Schema | None, key: str) -> Schema | None:
    if schema is None:
        return None
    found = (schema.get("properties") or {}).get(key)
    return found if found is not None else additional(schema)


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """(field path, schema) of the schema and of every schema below, junctors excluded."""
    yield path, schema
    for name, below in (schema.get("properties") or {}).items():
        yield from walk(below, f"{path}.properties[{name}]")
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield from walk(extra, f"{path}.additionalProperties")
    inner = items_of(schema)
    if inner is not None:
        yield from walk(inner, f"{path}.items")


def has(schema: Schema, question: Callable[[Schema], bool]) -> bool:
    return any(question(below) for _, below in walk(schema))
