"""What determines which fields a write sets or changes, as a key: cheaper than the fields.

Two creations with equal outlines set equal fields; two updates with equal differences change
equal fields. Items named by what belongs to one object (an IP) appear as numbers.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.managed.shapes import VARYING, hidden
from cluster.apiserver.managed.typed import items_by_element, single
from cluster.apiserver.managed.types import ListType, MapType, Type

Values = dict[str, int]
ADDED, CHANGED, REMOVED = 1, 2, 3
# By (field of the object, field below it), as in shapes.VARYING.
KEYS = {(top[2:], name[2:]): key for (top, name), key in VARYING.items()}
ROOT, BELOW = "/", ""
_NOTHING: Any = object()


def outline(kind: Type, found: Any, values: Values, skip: str = "", top: str = BELOW) -> Any:
    """What determines the fields a value sets: its keys, as far down as they are owned apart.
    `top` is ROOT for a whole object, and names the field of it that `found` is. Raises
    MisfitError."""
    if isinstance(found, dict):
        map_ = kind.map
        if map_ is None or map_.atomic:
            return None
        out: list[Any] = [tuple(found)]
        for name, below in map_.deep.items():
            if name in found and name != skip:
                out.append(_listed(top, name, below, found[name], values))
        if (rest := map_.granular_rest) is not None:
            out += [outline(rest, v, values) for n, v in found.items() if not map_.declares(n)]
        return tuple(out)
    return _items(kind, found, values, "") if isinstance(found, list) else found is None


def _listed(top: str, name: str, kind: Type, found: Any, values: Values) -> Any:
    if isinstance(found, list):
        return _items(kind, found, values, KEYS.get((top, name), ""))
    return outline(kind, found, values, "", name if top == ROOT else BELOW)


def _items(kind: Type, found: list[Any], values: Values, varying: str) -> Any:
    if kind.list is None or not kind.list.associative:
        return bool(found)
    out: list[Any] = []
    for element, item in items_by_element(kind.list, found, unique=False):
        value = hidden(element, varying) if varying else None
        out.append(element if value is None else values.setdefault(value, len(values)))
        out.append(outline(kind.list.item, item, values))
    return tuple(out)


# ---- differences


def difference(
    kind: Type, old: Any, new: Any, values: Values, varying: str = "", top: str = BELOW
) -> Any:
    """Of two unequal values. Raises MisfitError."""
    if isinstance(old, dict) and isinstance(new, dict):
        if kind.map is None or kind.map.atomic or not (old or new):
            return CHANGED
        return tuple(fields(kind.map, old, new, values, NOBODY, top))
    if isinstance(old, list) and isinstance(new, list) and kind.list is not None:
        if not kind.list.associative or not (old or new):
            return CHANGED
        return _changed_items(kind, old, new, values, varying)
    return (CHANGED, outline(kind, old, values, "", top), outline(kind, new, values, "", top))


NOBODY: frozenset[str] = frozenset()


def fields(
    map_: MapType, old: dict[str, Any], new: dict[str, Any], values: Values, skip: frozenset[str],
    top: str = BELOW,
) -> list[Any]:  # fmt: skip
    out: list[Any] = []
    deep, rest = map_.deep, map_.granular_rest
    for name, value in new.items():
        before = old.get(name, _NOTHING)
        if before is value or name in skip:
            continue
        below = deep.get(name)
        if below is None and rest is not None and not map_.declares(name):
            below = rest
        if before is _NOTHING:
            out += (name, ADDED)
            if below is not None:
                out.append(_listed(top, name, below, value, values))
        elif before != value or isinstance(before, bool):
            out += (name, CHANGED)
            if below is not None:
                varying = KEYS.get((top, name), "")
                here = name if top == ROOT else BELOW
                out.append(difference(below, before, value, values, varying, here))
    for name, value in old.items():
        if name not in new and name not in skip:
            below = deep.get(name) or (None if map_.declares(name) else rest)
            gone = None if below is None else _listed(top, name, below, value, values)
            out += (name, REMOVED, gone)
    return out


def _changed_items(kind: Type, old: list[Any], new: list[Any], values: Values, key: str) -> Any:
    assert kind.list is not None
    before, after = _by_element(kind.list, old), _by_element(kind.list, new)
    if before is None or after is None:
        return (repr(old), repr(new))  # named twice: too rare to be clever about
    out: list[Any] = []
    for element, item in after.items():
        was = before.get(element, _NOTHING)
        if was is item or was == item:
            continue
        value = hidden(element, key) if key else None
        out.append(element if value is None else values.setdefault(value, len(values)))
        if was is _NOTHING:
            out += (ADDED, outline(kind.list.item, item, values))
        else:
            out.append(difference(kind.list.item, was, item, values))
    for element, item in before.items():
        if element not in after:
            value = hidden(element, key) if key else None
            out.append(element if value is None else values.setdefault(value, len(values)))
            out += (REMOVED, outline(kind.list.item, item, values))
    return tuple(out)


def _by_element(kind: ListType, items: list[Any]) -> dict[str, Any] | None:
    """None when two items have one name."""
    found: dict[str, Any] = {}
    if len(kind.keys) == 1:
        key = kind.keys[0]
        for item in items:
            if not isinstance(item, dict) or not isinstance(text := item.get(key), str):
                break
            found[single(key, text)] = item
        else:
            return found if len(found) == len(items) else None
    found = dict(items_by_element(kind, items, unique=False))
    return found if len(found) == len(items) else None
