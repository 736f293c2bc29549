"""Take fields out of a value, or take everything else out.

Models structured-merge-diff/typed/remove.go.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.managed.fieldpath import FieldSet
from cluster.apiserver.managed.typed import items_by_element
from cluster.apiserver.managed.types import Type


def remove(kind: Type, found: Any, fields: FieldSet) -> Any:
    """The value without `fields`; None where nothing is left. The argument is not changed."""
    form = kind.form(found)
    if form == "map" and kind.map is not None:
        if not isinstance(found, dict) or not found or kind.map.atomic:
            return None
        out: dict[str, Any] = {}
        for name, member in found.items():
            element = "f:" + name
            if element in fields.members:
                continue
            below, child = fields.children.get(element), kind.map.field(name)
            out[name] = remove(child, member, below) if below and child is not None else member
        return out or None
    if form == "list" and kind.list is not None:
        if not isinstance(found, list) or not found or not kind.list.associative:
            return None
        items = []
        for element, item in items_by_element(kind.list, found, unique=False):
            if element in fields.members:
                continue
            below = fields.children.get(element)
            items.append(remove(kind.list.item, item, below) if below else item)
        return items or None
    return found


def extract(kind: Type, found: Any, fields: FieldSet) -> Any:
    """Only `fields` of the value; None where nothing is left. The argument is not changed."""
    form = kind.form(found)
    if form == "map" and kind.map is not None:
        if not isinstance(found, dict) or not found or kind.map.atomic:
            return found
        out: dict[str, Any] = {}
        for name, member in found.items():
            element, child = "f:" + name, kind.map.field(name)
            below = fields.children.get(element)
            if child is None or (element not in fields.members and not below):
                continue
            # Upstream passes the parent's set on for an exact match, which finds leaves.
            whole = element in fields.members
            out[name] = extract(child, member, below or (fields if whole else FieldSet()))
        return out or None
    if form == "list" and kind.list is not None:
        if not isinstance(found, list) or not found or not kind.list.associative:
            return found
        items = []
        for element, item in items_by_element(kind.list, found, unique=False):
            below = fields.children.get(element)
            if below:
                items.append(extract(kind.list.item, item, below))
            elif element in fields.members:
                items.append(item)
        return items or None
    return found
