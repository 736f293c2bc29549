"""Strategic merge patch, guided by the schema's patch keys and strategies.

Models k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.patch.ordering import check, ordered
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
            if isinstance(have, list):
                out[name] = [v for v in have if v not in gone]
    for key, value in patch.items():
        if key in (DIRECTIVE, RETAIN) or key.startswith((ORDER, DELETE_VALUES)):
            continue
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _field(out.get(key), value, _sub(schema, key))
    for key, order in patch.items():
        if key.startswith(ORDER):
            name = key[len(ORDER) :]
            wanted = _values(order, "setElementOrder list")
            _reorder(out, name, wanted, old, patch, _merge_key(_sub(schema, name)))
    return out


def _reorder(
    out: dict[str, Any], name: str, wanted: list[Any], old: Any, patch: dict[str, Any], key: str
) -> None:
    if isinstance(patch.get(name), list):
        check(patch[name], wanted, key)
    if isinstance(out.get(name), list):
        live = old.get(name) if isinstance(old, dict) else None
        places = _places(live if isinstance(live, list) else [], patch.get(name), key)
        out[name] = ordered(out[name], wanted, places, key)


def _places(live: list[Any], patch: Any, key: str) -> list[Any]:
    """The live order. Upstream deletes and appends in the live list's own memory before it looks
    at it: where something was deleted, what is new moves up into its place."""
    if not key or not isinstance(patch, list):
        return live
    left, plain, _ = _directed(live, patch, key)
    if len(left) == len(live):
        return live
    have = [_named(entry, key) for entry in left]
    return [*left, *(e for e in plain if _named(e, key) not in have)][: len(live)]


def _merge_key(schema: Schema) -> str:
    return str(schema.get("x-kubernetes-patch-merge-key") or "")


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


def _field(old: Any, value: Any, schema: Schema) -> Any:
    strategies = _strategies(schema)
    if isinstance(value, dict):
        if "replace" in strategies and DIRECTIVE not in value:
            return value
        return _map(old, value, schema)
    if not isinstance(value, list) or "merge" not in strategies:
        return value
    have, key = old if isinstance(old, list) else [], _merge_key(schema)
    if key:
        return _list(have, value, schema, key)
    merged: list[Any] = []
    for entry in [*have, *value]:
        if entry not in merged:
            merged.append(entry)
    return ordered(merged, value, have, "")


def _list(old: list[Any], patch: list[Any], schema: Schema, key: str) -> list[Any]:
    """Items merge with the one of the same key. Models mergeSlice."""
    out, plain, replaced = _directed(old, patch, key)
    if replaced:
        return plain
    items = resolve(schema.get("items"))
    for entry in plain:
        if not isinstance(entry, dict) or key not in entry:
            raise errors.bad_request(f"map: {entry} does not contain declared merge key: {key}")
        at = next((i for i, have in enumerate(out) if _named(have, key) == entry[key]), None)
        if at is None:
            out.append(_map({}, entry, items))
        else:
            out[at] = _map(out[at], entry, items)
    return ordered(out, plain, old, key)


def _directed(old: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any], bool]:
    """(what is left of the old list, the patch without $patch items, whether it replaces all)."""
    out, plain, replaced = list(old), [], False
    for entry in patch:
        directive = entry.get(DIRECTIVE) if isinstance(entry, dict) else None
        if directive is None:
            plain.append(entry)
        elif directive == "delete":
            if key not in entry:
                raise errors.bad_request(f"map: {entry} does not contain declared merge key: {key}")
            out = [have for have in out if _named(have, key) != entry[key]]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise errors.bad_request("merging lists cannot yet be specified in the patch")
        else:
            raise errors.bad_request(f"unknown patch type {directive} in map {entry}")
    return out, plain, replaced


def _named(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, dict) else None
