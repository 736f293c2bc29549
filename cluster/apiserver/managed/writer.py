"""Who writes, to what, and what of a write can be owned at all."""

from __future__ import annotations

from enum import Enum
from typing import Any

from cluster.apiserver.managed.compare import Changes
from cluster.apiserver.managed.entries import Entry
from cluster.apiserver.managed.fieldpath import FieldSet, Path
from cluster.apiserver.managed.shapes import Shelf
from cluster.apiserver.managed.types import Type
from cluster.apiserver.managed.updater import ManagerId

IDENTITY = frozenset(
    (
        "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
        "managedFields", "resourceVersion",
    )
)  # fmt: skip


class Keep(Enum):
    """May a write put a new set into the store? Components' do; a client's only when the same set
    comes again, because most of theirs are one of a kind; a dry run's never."""

    ALWAYS = "always"
    AGAIN = "again"
    NEVER = "never"


class Writer:
    """Who writes, to what: one object a combination, so that it can be a key."""

    __slots__ = (
        "deep",
        "empty",
        "flat",
        "ignored",
        "kind",
        "latest",
        "manager",
        "passed",
        "skip",
        "zeros",
    )

    def __init__(
        self, manager: ManagerId, kind: Type, ignored: FieldSet, empty: dict[str, Any],
        flat: bool = False,
    ) -> None:  # fmt: skip
        self.latest: dict[Any, tuple[str, Shelf, list[Entry]]] = {}
        self.deep = [n for n, t in (kind.map.deep if kind.map else {}).items() if n != "metadata"]
        self.flat = flat  # of two levels of plain fields, but for NESTED metadata
        self.manager = manager
        self.kind = kind
        self.empty = empty
        self.zeros = [(k, v) for k, v in empty.items() if not isinstance(v, dict)]
        self.ignored = ignored
        # The one whole field that such a write resets; not even looked at.
        whole = [m[2:] for m in ignored.members]
        self.skip = whole[0] if len(whole) == 1 else ""
        self.passed = frozenset((self.skip, "apiVersion", "kind", "metadata"))


class Shared:
    """Paths that many objects have alike (a pod template's); the token stands for them."""

    __slots__ = ("paths", "token")

    def __init__(self, paths: list[Path]) -> None:
        self.paths = tuple(paths)
        self.token = _tokens.setdefault(self.paths, len(_tokens))


_tokens: dict[tuple[Path, ...], int] = {}


def changes_of(kind: Type, old: dict[str, Any], new: dict[str, Any], skip: str) -> Changes:
    """The differences, without those that nobody can own: identity, and the field `skip`."""
    found = Changes()
    map_ = kind.map
    if map_ is None:
        return found
    for name in (*new, *(n for n in old if n not in new)):
        if name in (skip, "apiVersion", "kind"):
            continue
        below = map_.field(name)
        if below is None:
            continue
        path = ("f:" + name,)
        before, after = old.get(name, _NOTHING), new.get(name, _NOTHING)
        if before is after:
            continue
        if name == "metadata":
            _metadata(below, path, old.get(name) or {}, new.get(name) or {}, found)
        elif before is _NOTHING:
            found.only(below, path, after, found.added)
        elif after is _NOTHING:
            found.only(below, path, before, found.removed)
        else:
            found.value(below, path, before, after)
    return found


_NOTHING: Any = object()


def _metadata(
    kind: Type, path: Path, old: dict[str, Any], new: dict[str, Any], found: Changes
) -> None:
    assert kind.map is not None
    for name, value in new.items():
        if name in IDENTITY:
            continue
        before = old.get(name, _NOTHING)
        below = kind.map.field(name)
        if before is value or below is None:
            continue
        if before is _NOTHING:
            found.only(below, (*path, "f:" + name), value, found.added)
        else:
            found.value(below, (*path, "f:" + name), before, value)
    for name, value in old.items():
        if name not in new and name not in IDENTITY and (below := kind.map.field(name)) is not None:
            found.only(below, (*path, "f:" + name), value, found.removed)
