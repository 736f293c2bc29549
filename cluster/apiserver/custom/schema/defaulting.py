"""Fill in the schema's defaults. Models apiserver/schema/defaulting."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom.schema.structural import Schema, additional, child, items_of
from cluster.machinery.meta import deep_copy


def default(value: Any, schema: Schema | None) -> None:
    """In place; nulls that may not be null give way, to a default where there is one."""
    _drop_nulls(value, schema)
    _default(value, schema)


def _drop_nulls(value: Any, schema: Schema | None) -> None:
    if isinstance(value, dict):
        for key in list(value):
            below = child(schema, key)
            if value[key] is None:
                if below is not None and not below.get("nullable") and "default" not in below:
                    del value[key]
            elif isinstance(value[key], (dict, list)):
                _drop_nulls(value[key], below)
    elif isinstance(value, list):
        inner = items_of(schema)
        for item in value:
            if isinstance(item, (dict, list)):
                _drop_nulls(item, inner)


def _default(value: Any, schema: Schema | None) -> None:
    if schema is None:
        return
    if isinstance(value, dict):
        _default_map(value, schema)
    elif isinstance(value, list):
        inner = items_of(schema)
        for index, item in enumerate(value):
            if _replaced(item, inner):
                value[index] = _copy(inner)
            if isinstance(value[index], (dict, list)):
                _default(value[index], inner)


def _default_map(value: dict[str, Any], schema: Schema) -> None:
    properties, extra = schema.get("properties") or {}, additional(schema)
    for key, below in properties.items():
        if below.get("default") is None:
            continue
        if key not in value or _replaced(value[key], below):
            value[key] = _copy(below)
    for key in value:
        below = properties.get(key, extra)
        if below is None:
            continue
        if key not in properties and _replaced(value[key], below):
            value[key] = _copy(below)
        if isinstance(value[key], (dict, list)):
            _default(value[key], below)


def _replaced(value: Any, schema: Schema | None) -> bool:
    return value is None and schema is not None and not schema.get("nullable")


def _copy(schema: Schema | None) -> Any:
    found = (schema or {}).get("default")
    return deep_copy(found) if isinstance(found, dict) else _copy_value(found)


def _copy_value(value: Any) -> Any:
    if isinstance(value, list):
        return [deep_copy(v) if isinstance(v, dict) else _copy_value(v) for v in value]
    return value
