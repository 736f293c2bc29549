"""Lists that are sets or maps hold nothing twice. Models apiserver/schema/listtype."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver.custom.schema.structural import (
    LIST_TYPE,
    MAP_KEYS,
    Schema,
    child,
    items_of,
)
from cluster.machinery.errors import Cause, duplicate


def validate(value: Any, schema: Schema | None, path: str = "") -> list[Cause]:
    causes: list[Cause] = []
    if schema is None:
        return causes
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                causes += validate(item, child(schema, key), f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        causes += _repeated(value, schema, path)
        inner = items_of(schema)
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                causes += validate(item, inner, f"{path}[{index}]")
    return causes


def _repeated(value: list[Any], schema: Schema, path: str) -> list[Cause]:
    kind = schema.get(LIST_TYPE)
    if kind not in ("set", "map"):
        return []
    seen: set[bytes] = set()
    causes = []
    for index, item in enumerate(value):
        shown = item
        if kind == "map":
            if not isinstance(item, dict):
                continue
            shown = {k: item[k] for k in schema.get(MAP_KEYS) or () if k in item}
        key = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
        if key in seen:
            causes.append(duplicate(f"{path}[{index}]", shown))
        seen.add(key)
    return causes
