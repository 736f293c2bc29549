"""Lay an applied configuration over a live value. Models structured-merge-diff/typed/merge.go."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.managed.compare import MISSING
from cluster.apiserver.managed.typed import items_by_element
from cluster.apiserver.managed.types import ListType, MapType, Type


def merge(kind: Type, live: Any, config: Any) -> Any:
    """What `config` says wins; what it does not mention stays; MISSING when nothing is left.
    Raises MisfitError."""
    if config is MISSING:
        form = kind.form(None if live is MISSING else live)
    elif live is MISSING or live is None or config is None:
        form = kind.form(live if config is None and live is not MISSING else config)
    else:
        form = kind.form(config)
    if form == "map" and kind.map is not None:
        return _map(kind.map, live, config)
    if form == "list" and kind.list is not None:
        return _list(kind.list, live, config)
    return _leaf(live, config)


def _leaf(live: Any, config: Any) -> Any:
    return live if config is MISSING else config


def _map(kind: MapType, live: Any, config: Any) -> Any:
    ours = config if isinstance(config, dict) else {}
    theirs = live if isinstance(live, dict) else {}
    if kind.atomic or not (ours or theirs):
        return _leaf(live, config)
    out: dict[str, Any] = {}
    for name in (*theirs, *(n for n in ours if n not in theirs)):
        below = kind.field(name)
        if below is None:
            continue
        merged = merge(below, theirs.get(name, MISSING), ours.get(name, MISSING))
        if merged is not MISSING:
            out[name] = merged
    return out or MISSING


def _list(kind: ListType, live: Any, config: Any) -> Any:
    ours = config if isinstance(config, list) else []
    theirs = live if isinstance(live, list) else []
    if not kind.associative or not (ours or theirs):
        return _leaf(live, config)
    return _Zip(kind, theirs, ours).run() or MISSING


class _Zip:
    """Two orders into one: the configuration's items keep their order among themselves, and what
    only the live list has stays where it was between them."""

    def __init__(self, kind: ListType, live: list[Any], config: list[Any]) -> None:
        self.kind = kind
        self.right = items_by_element(kind, config, unique=True)
        self.left = items_by_element(kind, live, unique=False)
        self.config = dict(self.right)
        self.live: dict[str, Any] = {}
        for element, item in self.left:
            # Items that were there twice do not merge with the new one.
            self.live[element] = MISSING if element in self.live else item
        self.shared = [e for e, _ in self.right if e in self.live]
        self.taken: set[str] = set()
        self.out: list[Any] = []

    def run(self) -> list[Any]:
        left = right = 0
        shared = iter(self.shared)
        wanted = next(shared, None)
        while left < len(self.left) or right < len(self.right):
            element = self.left[left][0] if left < len(self.left) else None
            if element is not None and right < len(self.right):
                if element == self.right[right][0]:
                    self._take(element)
                    left, right, wanted = left + 1, right + 1, next(shared, None)
                    continue
                if element in self.config and wanted is not None and wanted != element:
                    left += 1
                    continue
            if element is not None:
                if element not in self.config:
                    self._put(merge(self.kind.item, self.left[left][1], MISSING))
                    left += 1
                    continue
                if element in self.taken:
                    left += 1
            if right < len(self.right):
                element = self.right[right][0]
                self._take(element)
                right += 1
                if wanted == element:
                    wanted = next(shared, None)
        return self.out

    def _take(self, element: str) -> None:
        self.taken.add(element)
        live = self.live.get(element, MISSING)
        self._put(merge(self.kind.item, live, self.config[element]))

    def _put(self, merged: Any) -> None:
        if merged is not MISSING:
            self.out.append(merged)
