"""Whatever allOf, anyOf, oneOf and not speak of is said outside of them. Models complete.go."""

from __future__ import annotations

from cluster.apiserver.custom.schema.structural import JUNCTORS, Schema, items_of
from cluster.machinery.errors import Cause, required


def complete_causes(schema: Schema, path: str) -> list[Cause]:
    """Whatever a junctor speaks of is said outside of it, too. Models complete.go."""
    causes: list[Cause] = []
    for junctor in JUNCTORS:
        for index, below in enumerate(schema.get(junctor) or ()):
            causes += _covers(schema, below, f"{path}.{junctor}[{index}]", path)
    if schema.get("not"):
        causes += _covers(schema, schema["not"], f"{path}.not", path)
    for name, below in (schema.get("properties") or {}).items():
        causes += complete_causes(below, f"{path}.properties[{name}]")
    extra, inner = schema.get("additionalProperties"), items_of(schema)
    if isinstance(extra, dict):
        causes += complete_causes(extra, f"{path}.additionalProperties")
    return causes + (complete_causes(inner, f"{path}.items") if inner is not None else [])


def _covers(outer: Schema | None, nested: Schema, path: str, where: str) -> list[Cause]:
    causes: list[Cause] = []
    if outer is None:
        return [required(where, f"because it is defined in {path}")]
    for name, below in (nested.get("properties") or {}).items():
        found = (outer.get("properties") or {}).get(name)
        here = f"{where}.properties[{name}]"
        causes += _covers(found, below, f"{path}.properties[{name}]", here)
    inner = items_of(nested)
    if inner is not None:
        causes += _covers(items_of(outer), inner, f"{path}.items", f"{where}.items")
    for junctor in JUNCTORS:
        for index, below in enumerate(nested.get(junctor) or ()):
            causes += _covers(outer, below, f"{path}.{junctor}[{index}]", where)
    return causes
