"""Sets of fields: trees whose edges are path elements, in memory and as FieldsV1 JSON.

A path element is kept in its serialised form: `f:name` a field, `k:{"name":"a"}` an item of an
associative list, `v:"a"` an item of a set, `i:0` an index. Models structured-merge-diff/fieldpath.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson

Path = tuple[str, ...]
SELF = "."
# Go's JSON encoder escapes what HTML could mistake for markup.
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def _go_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode().translate(_HTML)


def field(name: str) -> str:
    return "f:" + name


def value(scalar: Any) -> str:
    return "v:" + _go_json(_number(scalar))


def key(fields: dict[str, Any]) -> str:
    return "k:" + _go_json({name: _number(found) for name, found in fields.items()})


def _number(found: Any) -> Any:
    """2.0 is written, and is, 2."""
    return int(found) if isinstance(found, float) and found.is_integer() else found


def path(*names: str) -> Path:
    """A path of plain field names."""
    return tuple("f:" + name for name in names)


def is_field(element: str) -> bool:
    return element.startswith("f:")


@lru_cache(maxsize=4096)
def element_order(element: str) -> tuple[Any, ...]:
    """Fields before keys before values before indexes. Models PathElement.Compare."""
    kind, text = element[:1], element[2:]
    if kind == "f":
        return (0, text)
    if kind == "i":
        return (3, int(text))
    found = orjson.loads(text)
    if kind == "v":
        return (2, *_value_order(found))
    return (1, tuple((name, *_value_order(found[name])) for name in sorted(found)))


def _value_order(found: Any) -> tuple[int, Any]:
    if isinstance(found, bool):
        return (2, found)
    if isinstance(found, (int, float)):
        return (0, found)
    if isinstance(found, str):
        return (1, found)
    return (3, orjson.dumps(found))


def element_text(element: str) -> str:
    """As conflicts print it: `.name`, `[name="a"]`, `[="a"]`, `[0]`."""
    kind, text = element[:1], element[2:]
    if kind == "f":
        return "." + text
    if kind == "i":
        return f"[{text}]"
    found = orjson.loads(text)
    if kind == "v":
        return f"[={_shown(found)}]"
    return "[" + ",".join(f"{name}={_shown(found[name])}" for name in sorted(found)) + "]"


def _shown(found: Any) -> str:
    """Models value.ToString, which quotes strings as Go does."""
    if isinstance(found, str):
        return orjson.dumps(found).decode()
    return orjson.dumps(found).decode()


def path_text(where: Path) -> str:
    return "".join(map(element_text, where))


class FieldSet:
    """`members` are in the set; `children` lead to members further down. Never changed once it is
    shared: the operations below return new sets that share what is equal."""

    __slots__ = ("children", "members")

    def __init__(
        self, members: set[str] | None = None, children: dict[str, FieldSet] | None = None
    ) -> None:
        self.members = members if members is not None else set()
        self.children = children if children is not None else {}

    @classmethod
    def of(cls, paths: Iterable[Path]) -> FieldSet:
        out = cls()
        for where in paths:
            out.insert(where)
        return out

    def insert(self, where: Path) -> None:
        """For building only. The empty path is the whole object, which nobody owns."""
        if not where:
            return
        at = self
        for element in where[:-1]:
            child = at.children.get(element)
            if child is None:
                child = at.children[element] = FieldSet()
            at = child
        at.members.add(where[-1])

    # ---- asking

    def __bool__(self) -> bool:
        return bool(self.members) or any(self.children.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FieldSet):
            return NotImplemented
        return self.members == other.members and self.children == other.children

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"FieldSet({[path_text(p) for p in self]})"

    def __contains__(self, where: Path) -> bool:
        at: FieldSet | None = self
        for element in where[:-1]:
            at = at.children.get(element) if at is not None else None
        return at is not None and bool(where) and where[-1] in at.members

    def __iter__(self) -> Iterator[Path]:
        """Members before what is below them, in upstream's order."""
        for element in sorted(self.members, key=element_order):
            yield (element,)
        for element in sorted(self.children, key=element_order):
            for rest in self.children[element]:
                yield (element, *rest)

    def below(self, element: str) -> FieldSet:
        return self.children.get(element, EMPTY)

    # ---- combining

    def union(self, other: FieldSet) -> FieldSet:
        if not other:
            return self
        if not self:
            return other
        children = dict(self.children)
        for element, theirs in other.children.items():
            ours = children.get(element)
            children[element] = theirs if ours is None else ours.union(theirs)
        return FieldSet(self.members | other.members, children)

    def intersection(self, other: FieldSet) -> FieldSet:
        children = {}
        for element, ours in self.children.items():
            theirs = other.children.get(element)
            if theirs is not None and (both := ours.intersection(theirs)):
                children[element] = both
        return FieldSet(self.members & other.members, children)

    def difference(self, other: FieldSet) -> FieldSet:
        """A parent stays when only a child is taken away, and the other way round."""
        if not other:
            return self
        children = {}
        for element, ours in self.children.items():
            theirs = other.children.get(element)
            left = ours if theirs is None else ours.difference(theirs)
            if left:
                children[element] = left
        return FieldSet(self.members - other.members, children)

    def without(self, other: FieldSet) -> FieldSet:
        """Takes away every field of `other` with all that is below it (RecursiveDifference)."""
        if not other:
            return self
        children = {}
        for element, ours in self.children.items():
            if element in other.members:
                continue
            theirs = other.children.get(element)
            left = ours if theirs is None else ours.without(theirs)
            if left:
                children[element] = left
        return FieldSet(self.members - other.members, children)

    # ---- JSON

    def to_fields(self) -> dict[str, Any]:
        """FieldsV1."""
        out: dict[str, Any] = {}
        for element in sorted(self.members | self.children.keys(), key=element_order):
            child = self.children.get(element)
            below = child.to_fields() if child is not None else {}
            if not below and element not in self.members:
                continue
            if below and element in self.members:
                below = {SELF: {}, **below}
            out[element] = below
        return out

    @classmethod
    def from_fields(cls, fields: Any) -> FieldSet:
        """Raises ValueError for what is not FieldsV1; elements of unknown kinds are dropped."""
        out, _ = cls._read(fields)
        return out

    @classmethod
    def _read(cls, fields: Any) -> tuple[FieldSet, bool]:
        """(the set below, whether the element itself is a member)."""
        if not isinstance(fields, dict):
            raise ValueError("FieldsV1 must be an object")
        out, member = cls(), SELF in fields
        for text, below in fields.items():
            if text == SELF:
                continue
            element = _normal(text)
            if element is None:
                continue
            child, is_member = cls._read(below)
            if is_member:
                out.members.add(element)
            if child:
                out.children[element] = child
        return out, member or not (out.members or out.children)


EMPTY = FieldSet()


@lru_cache(maxsize=8192)
def _normal(text: str) -> str | None:
    """The element in our own spelling; None for a kind from the future."""
    if len(text) < 2 or text[1] != ":":
        raise ValueError(f"missing colon: {text}")
    kind, rest = text[0], text[2:]
    if kind == "f":
        return text
    if kind == "i":
        return f"i:{int(rest)}"
    if kind == "v":
        return value(orjson.loads(rest))
    if kind != "k":
        return None
    found = orjson.loads(rest)
    if not isinstance(found, dict):
        raise ValueError(f"not a key: {text}")
    return key(found)


def printable(text: str) -> str:
    """Without the runes that Go's unicode.IsPrint refuses."""
    return "".join(c for c in text if c == " " or unicodedata.category(c)[0] not in "CZ")
