"""A value with its type: does it fit, which fields does it set, how are list items named?

Models structured-merge-diff/typed (validate, tofieldset, helpers).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cluster.apiserver.managed import fieldpath
from cluster.apiserver.managed.fieldpath import FieldSet
from cluster.apiserver.managed.types import (
    BOOLEAN,
    NUMERIC,
    STRING,
    ListType,
    MapType,
    Type,
)


class MisfitError(Exception):
    """The value is not of its type; the text is upstream's, path first."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.why = why
        self.where = where

    def under(self, prefix: str) -> MisfitError:
        return MisfitError(self.why, prefix + self.where)


def item_element(kind: ListType, item: Any) -> str:
    """The path element of a list item. Raises MisfitError."""
    if kind.keys:
        return _keyed(kind, item)
    if isinstance(item, dict):
        raise MisfitError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise MisfitError("not supported: associative list with lists as elements")
    if item is None:
        raise MisfitError("associative list without keys has an element that's an explicit null")
    return fieldpath.value(item)


def _keyed(kind: ListType, item: Any) -> str:
    if item is None:
        raise MisfitError("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise MisfitError("associative list with keys may not have non-map elements")
    if len(kind.keys) == 1 and isinstance(only := item.get(kind.keys[0]), str):
        return single(kind.keys[0], only)
    found = {}
    map_ = kind.item.map
    for name in kind.keys:
        if name in item:
            found[name] = item[name]
        elif map_ is not None and name in map_.defaults:
            found[name] = map_.defaults[name]
    if not found:
        names = " ".join(f'"{name}"' for name in kind.keys)
        raise MisfitError(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return fieldpath.key(found)


@lru_cache(maxsize=8192)
def single(name: str, text: str) -> str:
    """The element of an item that one text names."""
    return fieldpath.key({name: text})


def items_by_element(kind: ListType, items: Any, unique: bool) -> list[tuple[str, Any]]:
    """(element, item) in order. Raises MisfitError, for duplicates only if `unique`."""
    out: list[tuple[str, Any]] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        try:
            element = item_element(kind, item)
        except MisfitError as error:
            raise MisfitError(f"element {index}: {error.why}") from error
        if unique and element in seen:
            shown = fieldpath.element_text(element)
            raise MisfitError(f"duplicate entries for key {shown}")
        seen.add(element)
        out.append((element, item))
    return out


# ---- validation

_GO = {str: "string", bool: "bool", int: "int64", float: "float64"}


def validate(kind: Type, found: Any, unique: bool = True) -> None:
    """Raises MisfitError. `unique`: an associative list may not name an item twice."""
    form = kind.form(found)
    if form == "map" and kind.map is not None:
        _validate_map(kind.map, found, unique)
    elif form == "list" and kind.list is not None:
        _validate_list(kind.list, found, unique)
    else:
        _validate_scalar(kind.scalar, found)


def _validate_map(kind: MapType, found: Any, unique: bool) -> None:
    if found is None:
        return
    if not isinstance(found, dict):
        raise MisfitError(f"expected map, got {_shown(found)}")
    for name, member in found.items():
        below = kind.field(name)
        if below is None:
            raise MisfitError("field not declared in schema", f".{name}")
        try:
            validate(below, member, unique)
        except MisfitError as error:
            raise error.under(f".{name}") from None


def _validate_list(kind: ListType, found: Any, unique: bool) -> None:
    if found is None:
        return
    if not isinstance(found, list):
        raise MisfitError(f"expected list, got {_shown(found)}")
    if kind.associative:
        named = items_by_element(kind, found, unique)
    else:
        named = [(f"i:{index}", item) for index, item in enumerate(found)]
    for element, item in named:
        try:
            validate(kind.item, item, unique)
        except MisfitError as error:
            raise error.under(fieldpath.element_text(element)) from None


def _validate_scalar(kind: str, found: Any) -> None:
    if found is None:
        return
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    if kind == NUMERIC and not number:
        got = _GO.get(type(found), "map[string]interface {}")
        raise MisfitError(f"expected numeric (int or float), got {got}")
    if kind == STRING and not isinstance(found, str):
        raise MisfitError(f"expected string, got &value.valueUnstructured{{Value:{_shown(found)}}}")
    if kind == BOOLEAN and not isinstance(found, bool):
        raise MisfitError(f"expected boolean, got {_shown(found)}")
    if isinstance(found, (dict, list)):
        raise MisfitError(f"expected any scalar, got {_shown(found)}")


def _shown(found: Any) -> str:
    return fieldpath._shown(found) if not isinstance(found, (dict, list)) else _go_map(found)


def _go_map(found: Any) -> str:
    if isinstance(found, dict):
        return "map[" + " ".join(f"{k}:{_go_map(v)}" for k, v in sorted(found.items())) + "]"
    if isinstance(found, list):
        return "[" + " ".join(map(_go_map, found)) + "]"
    return str(found)


# ---- the fields a value sets


def to_set(kind: Type, found: Any) -> FieldSet:
    """Leaves, items of associative lists, and entries of maps (not of structs)."""
    out = FieldSet()
    _collect(kind, found, out)
    return out


def _collect(kind: Type, found: Any, out: FieldSet) -> bool:
    """Adds what is below; True when the value itself is a leaf."""
    form = kind.form(found)
    if form == "map" and kind.map is not None:
        if kind.map.atomic:
            return True
        if isinstance(found, dict):
            _collect_map(kind.map, found, out)
        return False
    if form == "list" and kind.list is not None:
        if not kind.list.associative:
            return True
        if isinstance(found, list):
            _collect_list(kind.list, found, out)
        return False
    return True


def _collect_map(kind: MapType, found: dict[str, Any], out: FieldSet) -> None:
    for name, member in found.items():
        below = kind.field(name)
        if below is None:
            continue
        element = "f:" + name
        child = FieldSet()
        leaf = _collect(below, member, child)
        if leaf or member is None or member == {} or not kind.declares(name):
            out.members.add(element)
        if child.members or child.children:
            out.children[element] = child


def _collect_list(kind: ListType, found: list[Any], out: FieldSet) -> None:
    named = items_by_element(kind, found, unique=False)
    seen: set[str] = set()
    twice = {e for e, _ in named if e in seen or seen.add(e)}  # type: ignore[func-returns-value]
    for element, item in named:
        out.members.add(element)
        if element in twice:
            continue
        child = FieldSet()
        _collect(kind.item, item, child)
        if child.members or child.children:
            out.children[element] = child


def with_named_fields(kind: Type | None, fields: FieldSet) -> FieldSet:
    """Also the structs on the way to a member. Models EnsureNamedFieldsAreMembers."""
    members = set(fields.members)
    children = {}
    for element, child in fields.children.items():
        below: Type | None = None
        if element[0] == "f" and kind is not None and kind.map is not None:
            below = kind.map.field(element[2:])
            if kind.map.declares(element[2:]):
                members.add(element)
        elif element[0] == "k" and kind is not None and kind.list is not None:
            below = kind.list.item
        children[element] = with_named_fields(below, child)
    return FieldSet(members, children)
