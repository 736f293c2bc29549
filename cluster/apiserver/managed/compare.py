"""Which fields were added, changed or removed between two values of a type.

Models structured-merge-diff/typed/compare.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cluster.apiserver.managed.fieldpath import FieldSet, Path
from cluster.apiserver.managed.typed import items_by_element
from cluster.apiserver.managed.types import ListType, MapType, Type

MISSING: Any = object()  # not there at all; None is an explicit null


@dataclass(slots=True)
class Comparison:
    """No field is in more than one of the three."""

    added: FieldSet = field(default_factory=FieldSet)
    modified: FieldSet = field(default_factory=FieldSet)
    removed: FieldSet = field(default_factory=FieldSet)

    def same(self) -> bool:
        return not (self.added or self.modified or self.removed)

    def without(self, ignored: FieldSet) -> Comparison:
        if not ignored:
            return self
        return Comparison(
            self.added.without(ignored),
            self.modified.without(ignored),
            self.removed.without(ignored),
        )


def compare(kind: Type, old: Any, new: Any) -> Comparison:
    """Raises MisfitError for values that do not fit the type."""
    out = Comparison()
    _Walk(out).value(kind, (), old, new)
    return out


def same_value(a: Any, b: Any) -> bool:
    """As JSON: true is not 1."""
    return a is b or (a == b and isinstance(a, bool) == isinstance(b, bool))


class _Walk:
    __slots__ = ("out",)

    def __init__(self, out: Comparison) -> None:
        self.out = out

    def value(self, kind: Type, path: Path, old: Any, new: Any) -> None:
        if old is not MISSING and new is not MISSING and same_value(old, new):
            return
        old_form, new_form = kind.form(_null(old)), kind.form(_null(new))
        if new is MISSING:
            leaf = self._as(old_form, kind, path, old, new)
        elif old is MISSING or old_form == new_form or old is None or new is None:
            form = old_form if new is None and old is not MISSING else new_form
            leaf = self._as(form, kind, path, old, new)
        else:
            self._as(old_form, kind, path, old, new)
            leaf = self._as(new_form, kind, path, old, new)
        if not leaf:
            if old is MISSING:
                self.out.added.insert(path)
            elif new is MISSING:
                self.out.removed.insert(path)

    def _as(self, form: str, kind: Type, path: Path, old: Any, new: Any) -> bool:
        """True when the value is a leaf."""
        if form == "map" and kind.map is not None:
            before, after = _dict(old), _dict(new)
            if kind.map.atomic or not (before or after):
                return self._leaf(path, old, new)
            self._map(kind.map, path, before, after)
            return False
        if form == "list" and kind.list is not None:
            was, now = _list(old), _list(new)
            if not kind.list.associative or not (was or now):
                return self._leaf(path, old, new)
            self._list(kind.list, path, was, now)
            return False
        return self._leaf(path, old, new)

    def _leaf(self, path: Path, old: Any, new: Any) -> bool:
        if old is MISSING:
            self.out.added.insert(path)
        elif new is MISSING:
            self.out.removed.insert(path)
        elif not same_value(old, new):
            self.out.modified.insert(path)
        return True

    def _map(
        self, kind: MapType, path: Path, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        for name, old in before.items():
            below = kind.field(name)
            if below is not None:
                self.value(below, (*path, "f:" + name), old, after.get(name, MISSING))
        for name, new in after.items():
            if name not in before and (below := kind.field(name)) is not None:
                self.value(below, (*path, "f:" + name), MISSING, new)

    def _list(self, kind: ListType, path: Path, was: list[Any], now: list[Any]) -> None:
        before, after = _grouped(kind, was), _grouped(kind, now)
        for element in before | after:
            self._items(
                kind.item, (*path, element), before.get(element, []), after.get(element, [])
            )

    def _items(self, kind: Type, path: Path, old: list[Any], new: list[Any]) -> None:
        """Items of one name; more than one of a name are compared as a whole."""
        if len(old) <= 1 and len(new) <= 1:
            self.value(kind, path, *(old or [MISSING]), *(new or [MISSING]))
        elif len(old) > 1 and len(new) > 1:
            if old != new:
                self.out.modified.insert(path)
        elif len(old) > 1:
            if new:
                self.value(kind, path, MISSING, new[0])
            self.out.removed.insert(path)
        else:
            if old:
                self.value(kind, path, old[0], MISSING)
            self.out.added.insert(path)


def _null(found: Any) -> Any:
    return None if found is MISSING else found


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _grouped(kind: ListType, items: list[Any]) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for element, item in items_by_element(kind, items, unique=False):
        out.setdefault(element, []).append(item)
    return out
