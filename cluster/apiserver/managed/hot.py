"""The owners after a component's write, remembered by what was and what changed.

Components write thousands of objects that look alike: what the first write of a shape costs, the
next ones look up. The result is that of FieldManager.update; only entries are by reference.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from cluster.apiserver.managed import entries
from cluster.apiserver.managed.compare import Comparison
from cluster.apiserver.managed.entries import Entry, Managed
from cluster.apiserver.managed.fieldpath import FieldSet, Path
from cluster.apiserver.managed.manager import STRIPPED
from cluster.apiserver.managed.outline import ROOT, fields, outline
from cluster.apiserver.managed.shapes import (
    HOLE,
    SHAPES,
    VARYING,
    Shelf,
    filled,
    fold,
    fold_paths,
)
from cluster.apiserver.managed.updater import ManagerId, Owned
from cluster.apiserver.managed.writer import IDENTITY, Keep, Shared, Writer, changes_of

MEMO = 8_192
SEEN = 4_096
LATEST = 64
NESTED = frozenset(("labels", "annotations", "ownerReferences", "finalizers"))
State = tuple[Any, ...]


class Outcome(NamedTuple):
    """One entry of the result: its digest, which values fill it, and which entry it was (-1: none
    of the old ones); `touched` when it is the writer's and gets the time."""

    manager: ManagerId
    api_version: str
    digest: str
    text: bytes
    fill: tuple[int, ...]
    was: int
    touched: bool


_memo: dict[Any, tuple[Outcome, ...]] = {}


def updated(
    before: list[Entry], old: dict[str, Any], new: dict[str, Any], writer: Writer, now: str,
    shelf: Shelf, keep: Keep = Keep.ALWAYS,
) -> list[Entry]:  # fmt: skip
    """The entries after `new` replaced `old`; those that stay are shared with `before`. Raises
    MisfitError."""
    if old.keys() != new.keys():
        old, new = {**writer.empty, **old}, {**writer.empty, **new}
    values: dict[str, int] = {}
    references = [_reference(entry) for entry in before]
    state = tuple([_state(e, r, values) for e, r in zip(before, references, strict=True)])
    shape = _difference_of_objects(writer, old, new, values)
    if not shape:
        return before
    key = (state, writer, shape)
    outcome = _memo.get(key)
    if outcome is None:
        changes = changes_of(writer.kind, old, new, writer.skip)
        added = fold_paths(changes.added, values)
        modified = fold_paths(changes.modified, values)
        removed = fold_paths(changes.removed, values)
        found = _comparison(added, modified, removed, list(values))
        outcome = _settle(before, found, writer, values, shelf)
        _remember(key, outcome)
    return _entries(outcome, (before, references), list(values), now, shelf, keep)


def _remember(key: Any, outcome: tuple[Outcome, ...]) -> None:
    if len(_memo) > MEMO:
        _memo.clear()
    _memo[key] = outcome


def _difference_of_objects(
    writer: Writer, old: dict[str, Any], new: dict[str, Any], values: dict[str, int]
) -> tuple[Any, ...]:
    """Empty when nothing changed that anybody can own."""
    map_ = writer.kind.map
    if map_ is None:
        return ()
    out = fields(map_, old, new, values, writer.passed, ROOT)
    meta = map_.field("metadata")
    if meta is not None and meta.map is not None:
        out += fields(
            meta.map,
            old.get("metadata") or {},
            new.get("metadata") or {},
            values,
            IDENTITY,
            "metadata",
        )
    return tuple(out)


def _reference(entry: Entry) -> str:
    """What an entry in full would be referred to by. Raises ValueError."""
    found = entry["fieldsV1"]
    return found if isinstance(found, str) else _reference_of(orjson.dumps(found))


@lru_cache(maxsize=1024)
def _reference_of(text: bytes) -> str:
    shape, filled = fold(FieldSet.from_fields(orjson.loads(text)))
    return "@" + "|".join((SHAPES.named(shape)[0], *filled))


def _state(entry: Entry, reference: str, values: dict[str, int]) -> State:
    digest, *filled = reference.split("|")
    numbers = tuple(values.setdefault(value, len(values)) for value in filled)
    return (
        entry["manager"], entry["operation"], entry["apiVersion"], entry.get("subresource", ""),
        digest, numbers,
    )  # fmt: skip


def _comparison(
    added: tuple[Path, ...], modified: tuple[Path, ...], removed: tuple[Path, ...], names: list[str]
) -> Comparison:
    def filled(paths: tuple[Path, ...]) -> FieldSet:
        return FieldSet.of(_unfolded(path, names) for path in paths)

    return Comparison(filled(added), filled(modified), filled(removed))


def _unfolded(path: Path, names: list[str]) -> Path:
    if len(path) > 2 and path[2].startswith(HOLE):
        value = names[int(path[2][1:])]
        return (path[0], path[1], f'k:{{"{VARYING[path[0], path[1]]}":"{value}"}}', *path[3:])
    return path


def _settle(
    before: list[Entry], changes: Comparison, writer: Writer, values: dict[str, int], shelf: Shelf
) -> tuple[Outcome, ...]:
    """What FieldManager.update does, on sets."""
    manager = writer.manager
    changes = changes.without(writer.ignored)
    changed = changes.added.union(changes.modified)
    gone = changed.union(changes.removed)
    mine = changed.difference(STRIPPED)
    managed = Managed()
    was: dict[ManagerId, int] = {}
    for index, entry in enumerate(before):
        id_ = entries._identify(entry)
        found = entry["fieldsV1"]
        fields = SHAPES.fields(found, shelf) if isinstance(found, str) else entries._fields(found)
        left = fields.difference(gone)
        was[id_] = index
        if left:
            applied = entry["operation"] == entries.APPLY
            managed.managers[id_] = Owned(left, entry["apiVersion"], applied)
            managed.times[id_] = entry.get("time", "")
    if mine:
        had = managed.managers.get(manager)
        fields = mine if had is None else mine.union(had.fields)
        managed.managers[manager] = Owned(fields, manager.api_version)
        managed.times[manager] = "9999"  # the latest
    entries.cap_updaters(managed)
    out = []
    for id_, owned in managed.managers.items():
        shape, filled = fold(owned.fields)
        numbers = tuple(values[value] for value in filled)
        touched = bool(mine) and id_ == manager
        named = SHAPES.named(shape)
        out.append(Outcome(id_, owned.api_version, *named, numbers, was.get(id_, -1), touched))
    return tuple(out)


def _entries(
    outcome: tuple[Outcome, ...], old: tuple[list[Entry], list[str]], names: list[str], now: str,
    shelf: Shelf, keep: Keep,
) -> list[Entry]:  # fmt: skip
    before, references = old
    out = []
    for one in outcome:
        was = before[one.was] if one.was >= 0 else None
        reference = "@" + "|".join((one.digest, *(names[n] for n in one.fill)))
        if was is not None and references[one.was] == reference and not one.touched:
            out.append(was)
            continue
        time = now if one.touched else (was or {}).get("time", "")
        entry: Entry = {"manager": one.manager.name, "operation": one.manager.operation}
        entry["apiVersion"] = one.api_version
        if time:
            entry["time"] = time
        entry["fieldsType"] = "FieldsV1"
        known = one.digest in shelf.kept or _keep(one, shelf, keep)
        entry["fieldsV1"] = reference if known else _in_full(one, names)
        if one.manager.subresource:
            entry["subresource"] = one.manager.subresource
        out.append(entry)
    if len(out) > 1:
        out.sort(key=entries._order)
    return out


def _keep(one: Outcome, shelf: Shelf, keep: Keep) -> bool:
    """True when the set is kept now, so that it may be referred to."""
    if keep is Keep.NEVER or (keep is Keep.AGAIN and one.digest not in _seen):
        _seen[one.digest] = None
        if len(_seen) > SEEN:
            _seen.popitem(last=False)
        return False
    SHAPES.keep(one.digest, one.text, shelf)
    return True


_seen: OrderedDict[str, None] = OrderedDict()


def _in_full(one: Outcome, names: list[str]) -> Any:
    return orjson.loads(filled(one.text, [names[n].encode() for n in one.fill]))


def created(
    new: dict[str, Any], writer: Writer, now: str, shelf: Shelf, shared: Shared | None = None,
    keep: Keep = Keep.ALWAYS,
) -> list[Entry]:  # fmt: skip
    """The entry of whoever created an object. Raises MisfitError."""
    values: dict[str, int] = {}
    shape: Any
    if writer.flat and NESTED.isdisjoint(new["metadata"]):
        shape = (tuple(new), *[tuple(new[k]) for k in writer.deep if k in new])
    else:
        shape = outline(writer.kind, new, values, writer.skip, ROOT)
    same = tuple([new.get(k) == v for k, v in writer.zeros])
    key = (writer, shape, same, None if shared is None else shared.token)
    # Objects that are made at one moment in one way have one and the same entry.
    if not values and (last := writer.latest.get(key)) and last[:2] == (now, shelf):
        return last[2]
    outcome = _memo.get(key)
    if outcome is None:
        changes = changes_of(writer.kind, writer.empty, new, writer.skip)
        added = fold_paths(changes.added + changes.modified, values)
        more = () if shared is None else shared.paths
        found = _comparison((*added, *more), (), (), list(values))
        outcome = _settle([], found, writer, values, shelf)
        _remember(key, outcome)
    made = _entries(outcome, ([], []), list(values), now, shelf, keep)
    if not values and keep is Keep.ALWAYS:
        if len(writer.latest) >= LATEST:
            writer.latest.clear()
        writer.latest[key] = (now, shelf, made)
    return made
