"""Strategic merge patch, guided by the schema's patch keys and strategies.

Models k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.schema.definitions import Schema, definition_for, definitions, resolve
from cluster.machinery import errors
from cluster.machinery.meta import Object

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE_VALUES = "$deleteFromPrimitiveList/"


def strategic_merge(group: str, version: str, kind: str, old: Object, patch: Object) -> Object:
    """Raises StatusError 400 for a patch that makes no sense, 415 for a kind without a schema."""
    name = definition_for(group, version, kind)
    schema = definitions()[name] if name else {}
    return _map(old, patch, schema)


def _map(old: Any, patch: dict[str, Any], schema: Schema) -> dict[str, Any]:
    directive = patch.get(DIRECTIVE)
    if directive == "replace":
        return {k: v for k, v in patch.items() if k != DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise errors.bad_request(f"Unknown patch type found: {directive}")
    out = dict(old) if isinstance(old, dict) else {}
    if RETAIN in patch:
        kept = _values(patch[RETAIN], "retainKeys")
        out = {k: v for k, v in out.items() if k in kept}
    for key, value in patch.items():
        if key.startswith(DELETE_VALUES):
            name = key[len(DELETE_VALUES) :]
            gone = _values(value, "primitive list")
            have = out.get(name)
            out[name] = [v for v in have if v not in gone] if isinstance(have, list) else []
    for key, value in patch.items():
        if key in (DIRECTIVE, RETAIN) or key.startswith((ORDER, DELETE_VALUES)):
            continue
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _field(out.get(key), value, _sub(schema, key), patch.get(ORDER + key))
    for key, order in patch.items():
        if key.startswith(ORDER):
            _values(order, "setElementOrder list")
        name = key[len(ORDER) :]
        if key.startswith(ORDER) and name not in patch and isinstance(out.get(name), list):
            out[name] = _ordered(
                out[name], order, _sub(schema, name).get("x-kubernetes-patch-merge-key")
            )
    return out


def _values(found: Any, what: str) -> list[Any]:
    """The list that a directive must have. Raises StatusError 400 with upstream's text."""
    if not isinstance(found, list):
        raise errors.bad_request(f"invalid patch format of {what}")
    return found


def _sub(schema: Schema, key: str) -> Schema:
    schema = resolve(schema)
    found = (schema.get("properties") or {}).get(key)
    if found is None and isinstance(schema.get("additionalProperties"), dict):
        found = schema["additionalProperties"]
    return resolve(found)


def _strategies(schema: Schema) -> list[str]:
    return str(schema.get("x-kubernetes-patch-strategy") or "").split(",")


def _field(old: Any, value: Any, schema: Schema, order: Any) -> Any:
    strategies = _strategies(schema)
    if isinstance(value, dict):
        if "replace" in strategies and DIRECTIVE not in value:
            return value
        return _map(old, value, schema)
    if not isinstance(value, list):
        return value
    if "merge" not in strategies:
        return value
    key = schema.get("x-kubernetes-patch-merge-key")
    if not key:
        have = old if isinstance(old, list) else []
        merged = [*have, *(v for v in value if v not in have)]
        return _ordered(merged, order, None) if order else merged
    return _list(old if isinstance(old, list) else [], value, schema, key, order)


def _list(old: list[Any], patch: list[Any], schema: Schema, key: str, order: Any) -> list[Any]:
    if any(isinstance(e, dict) and e.get(DIRECTIVE) == "replace" and key not in e for e in patch):
        return [e for e in patch if not (isinstance(e, dict) and DIRECTIVE in e)]
    items = resolve(schema.get("items"))
    out = list(old)
    for entry in patch:
        if not isinstance(entry, dict) or key not in entry:
            raise errors.bad_request(f"map: {entry} does not contain declared merge key: {key}")
        at = next((i for i, have in enumerate(out) if _named(have, key) == entry[key]), None)
        if entry.get(DIRECTIVE) == "delete":
            if at is not None:
                del out[at]
        elif at is None:
            out.append(_map({}, entry, items))
        elif entry.get(DIRECTIVE) == "replace":
            out[at] = {k: v for k, v in entry.items() if k != DIRECTIVE}
        else:
            out[at] = _map(out[at], entry, items)
    return _ordered(out, order, key) if order else out


def _named(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, dict) else None


def _ordered(have: list[Any], order: Any, key: str | None) -> list[Any]:
    """The listed ones in that order; the server's own stay behind what they stood behind."""

    def identity(entry: Any) -> Any:
        found = entry.get(key) if key and isinstance(entry, dict) else entry
        return repr(found) if isinstance(found, (dict, list)) else found

    rank = {identity(e): at for at, e in enumerate(_values(order, "setElementOrder list"))}
    listed = sorted((e for e in have if identity(e) in rank), key=lambda e: rank[identity(e)])
    out: list[Any] = []
    queue = iter(listed)
    for entry in have:
        out.append(next(queue) if identity(entry) in rank else entry)
    return out
