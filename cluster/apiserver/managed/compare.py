"""Which fields were added, changed or removed between two values of a type.

Every write goes through here, so what is equal is never looked into. Models
structured-merge-diff/typed/compare.go.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.managed.fieldpath import FieldSet, Path
from cluster.apiserver.managed.typed import items_by_element
from cluster.apiserver.managed.types import ListType, MapType, Type

MISSING: Any = object()  # not there at all; None is an explicit null


class Comparison:
    """No field is in more than one of the three."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self, added: FieldSet, modified: FieldSet, removed: FieldSet) -> None:
        self.added = added
        self.modified = modified
        self.removed = removed

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
    found = Changes()
    found.value(kind, (), old, new)
    return Comparison(
        FieldSet.of(found.added), FieldSet.of(found.modified), FieldSet.of(found.removed)
    )


def same_value(a: Any, b: Any) -> bool:
    """As JSON: true is not 1."""
    return a is b or (a == b and isinstance(a, bool) == isinstance(b, bool))


class Changes:
    """The walk; its findings as flat lists of paths."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self) -> None:
        self.added: list[Path] = []
        self.modified: list[Path] = []
        self.removed: list[Path] = []

    def value(self, kind: Type, path: Path, old: Any, new: Any) -> None:
        if old is MISSING:
            self.only(kind, path, new, self.added)
        elif new is MISSING:
            self.only(kind, path, old, self.removed)
        elif not same_value(old, new):
            before, after = kind.form(old), kind.form(new)
            if before != after:
                self._both(before, kind, path, old, new)
            self._both(after, kind, path, old, new)

    def only(self, kind: Type, path: Path, found: Any, out: list[Path]) -> None:
        """What is on one side only: all below, and the thing itself."""
        if path:
            out.append(path)
        if isinstance(found, dict):
            map_ = kind.map
            if map_ is None or map_.atomic:
                return
            for name, member in found.items():
                below = map_.field(name)
                if below is not None:
                    self.only(below, (*path, "f:" + name), member, out)
        elif isinstance(found, list) and found:
            list_ = kind.list
            if list_ is None or not list_.associative:
                return
            named = items_by_element(list_, found, unique=False)
            counts: dict[str, int] = {}
            for element, _ in named:
                counts[element] = counts.get(element, 0) + 1
            for element, item in named:
                if counts[element] == 1:
                    self.only(list_.item, (*path, element), item, out)
                elif counts[element] > 1:
                    out.append((*path, element))
                    counts[element] = 0

    def _both(self, form: str, kind: Type, path: Path, old: Any, new: Any) -> None:
        if form == "map" and kind.map is not None:
            before = old if isinstance(old, dict) else {}
            after = new if isinstance(new, dict) else {}
            if not kind.map.atomic and (before or after):
                self._map(kind.map, path, before, after)
                return
        elif form == "list" and kind.list is not None:
            was = old if isinstance(old, list) else []
            now = new if isinstance(new, list) else []
            if kind.list.associative and (was or now):
                self._list(kind.list, path, was, now)
                return
        if path:
            self.modified.append(path)

    def _map(
        self, kind: MapType, path: Path, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        for name, old in before.items():
            new = after.get(name, MISSING)
            if old is not new and (old != new or isinstance(old, bool) != isinstance(new, bool)):
                below = kind.field(name)
                if below is not None:
                    self.value(below, (*path, "f:" + name), old, new)
        for name, new in after.items():
            if name not in before and (below := kind.field(name)) is not None:
                self.only(below, (*path, "f:" + name), new, self.added)

    def _list(self, kind: ListType, path: Path, was: list[Any], now: list[Any]) -> None:
        before, after = _grouped(kind, was), _grouped(kind, now)
        for element, old in before.items():
            self._items(kind.item, (*path, element), old, after.get(element, []))
        for element, new in after.items():
            if element not in before:
                self._items(kind.item, (*path, element), [], new)

    def _items(self, kind: Type, path: Path, old: list[Any], new: list[Any]) -> None:
        """Items of one name; more than one of a name are compared as a whole."""
        if len(old) <= 1 and len(new) <= 1:
            self.value(kind, path, *(old or [MISSING]), *(new or [MISSING]))
        elif len(old) > 1 and len(new) > 1:
            if old != new:
                self.modified.append(path)
        elif len(old) > 1:
            if new:
                self.value(kind, path, MISSING, new[0])
            self.removed.append(path)
        else:
            if old:
                self.value(kind, path, old[0], MISSING)
            self.added.append(path)


def _grouped(kind: ListType, items: list[Any]) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for element, item in items_by_element(kind, items, unique=False):
        out.setdefault(element, []).append(item)
    return out
