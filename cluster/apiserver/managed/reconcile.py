"""Field sets that an older schema wrote: what is atomic by now is owned as a whole.

Models structured-merge-diff/typed/reconcile_schema.go.
"""

from __future__ import annotations

from cluster.apiserver.managed.fieldpath import FieldSet
from cluster.apiserver.managed.types import DEDUCED, Type


def reconcile(kind: Type, fields: FieldSet) -> FieldSet:
    """The same set, or a new one where a map or list became atomic."""
    changed: dict[str, FieldSet | None] = {}
    for element, child in fields.children.items():
        below = _below(kind, element)
        if below is None or below is DEDUCED:
            continue
        if _atomic(below):
            changed[element] = None
        elif (new := reconcile(below, child)) is not child:
            changed[element] = new
    if not changed:
        return fields
    children = dict(fields.children)
    members = set(fields.members)
    for element, replacement in changed.items():
        if replacement is None:
            del children[element]
            members.add(element)
        else:
            children[element] = replacement
    return FieldSet(members, children)


def _below(kind: Type, element: str) -> Type | None:
    if element[0] == "f":
        return kind.map.field(element[2:]) if kind.map is not None else None
    return kind.list.item if kind.list is not None else None


def _atomic(kind: Type) -> bool:
    """Atomic in every form that it may have."""
    if kind.map is not None:
        return kind.map.atomic
    return kind.list is not None and not kind.list.associative
