"""Forget what the schema does not name. Models apiserver/schema/pruning."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom.schema.structural import (
    EMBEDDED,
    META_FIELDS,
    PRESERVE,
    Schema,
    additional,
    items_of,
)


def prune(value: Any, schema: Schema | None, dropped: list[str], path: str = "") -> None:
    """In place; the paths of unknown fields are added to `dropped`."""
    if schema is not None and schema.get(PRESERVE):
        _keep(value, schema, dropped, path)
    elif isinstance(value, dict):
        _prune_map(value, schema or {}, dropped, path)
    elif isinstance(value, list):
        below = items_of(schema)
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                prune(item, below, dropped, f"{path}[{index}]")


def _prune_map(value: dict[str, Any], schema: Schema, dropped: list[str], path: str) -> None:
    properties, extra = schema.get("properties") or {}, additional(schema)
    embedded = schema.get(EMBEDDED)
    for key in list(value):
        if embedded and key in META_FIELDS:
            continue
        below = properties.get(key, extra)
        if below is None:
            if key not in META_FIELDS or path:
                dropped.append(_join(path, key))
            del value[key]
        elif isinstance(value[key], (dict, list)):
            prune(value[key], below, dropped, _join(path, key))


def _keep(value: Any, schema: Schema, dropped: list[str], path: str) -> None:
    """Unknown fields stay; below known ones the schema holds again."""
    if isinstance(value, dict):
        properties, extra = schema.get("properties") or {}, additional(schema)
        for key, item in value.items():
            if schema.get(EMBEDDED) and key in META_FIELDS:
                continue
            below = properties.get(key, extra)
            if below is not None and isinstance(item, (dict, list)):
                prune(item, below, dropped, _join(path, key))
    elif isinstance(value, list):
        inner = items_of(schema)
        for index, item in enumerate(value):
            if inner is not None and isinstance(item, (dict, list)):
                _keep(item, inner, dropped, f"{path}[{index}]")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
