"""Field sets by reference: what thousands of objects own alike is stored once.

An entry that a component wrote holds, in place of FieldsV1, a string such as
`@0123456789abcdef|10.244.0.5`: the digest of a set, and what differs between objects of one shape
(the IP of a pod, the UID of an owner). The set itself lies under /orrery/fieldsets/ in the store.
The API shows FieldsV1; everything else passes the string on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet, Path

PREFIX = b"/orrery/fieldsets/"
REFERENCE = re.compile(rb"@[0-9a-f]{16}(?:\|[0-9A-Za-z.:_-]+)*")
MARK = b'"fieldsV1":"@'
# A private-use character and a number stand for what differs.
HOLE = "\ue000"
# Lists whose items are named by something that belongs to one object.
VARYING = {("f:status", "f:podIPs"): "ip", ("f:metadata", "f:ownerReferences"): "uid"}
PARSED = 512
PLAIN = re.compile(r"[0-9A-Za-z.:_-]+")

Values = tuple[str, ...]


class Shelf(Protocol):
    """Where sets are kept: the registry, whose store has those in `kept`."""

    kept: set[str]

    def field_set(self, digest: str) -> bytes | None: ...

    def keep_field_set(self, digest: str, text: bytes) -> None: ...


class Shapes:
    """All sets that are kept and known here. Content-addressed, so one table serves all stores."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self._sets: dict[str, FieldSet] = {}
        self._json: dict[str, Any] = {}
        self._bytes: dict[bytes, bytes] = {}

    def named(self, fields: FieldSet) -> tuple[str, bytes]:
        """(digest, text) of a set with holes."""
        text = orjson.dumps(fields.to_fields())
        digest = blake2b(text, digest_size=8).hexdigest()
        return digest, self.texts.get(digest, text)

    def keep(self, digest: str, text: bytes, shelf: Shelf) -> None:
        """From now on the set may be referred to."""
        self.texts[digest] = text
        shelf.keep_field_set(digest, text)

    def learn(self, key: bytes, text: bytes) -> None:
        """From the log."""
        self.texts[key[len(PREFIX) :].decode()] = text

    def text(self, digest: str, shelf: Shelf | None = None) -> bytes | None:
        found = self.texts.get(digest)
        if found is None and shelf is not None and (found := shelf.field_set(digest)) is not None:
            self.texts[digest] = found
        return found

    def fields(self, reference: str, shelf: Shelf | None = None) -> FieldSet:
        """The set a reference means; empty when nobody knows it."""
        digest, *values = reference[1:].split("|")
        found = self._sets.get(digest)
        if found is None:
            text = self.text(digest, shelf)
            if text is None:
                return EMPTY
            found = self._sets[digest] = FieldSet.from_fields(orjson.loads(text))
        return unfold(found, tuple(values)) if values else found

    def json(self, reference: bytes, shelf: Shelf | None = None) -> bytes | None:
        """FieldsV1 as JSON; None when nobody knows the reference."""
        digest, *values = reference[1:].split(b"|")
        text = self.text(digest.decode(), shelf)
        return None if text is None else filled(text, values)

    # ---- showing

    def _fields_of(self, reference: str, shelf: Shelf | None) -> Any:
        """FieldsV1 as a value; shared, do not change. None when nobody knows the reference."""
        found = self._json.get(reference)
        if found is None and (text := self.json(reference.encode(), shelf)) is not None:
            if len(self._json) > PARSED:
                self._json.clear()
            found = self._json[reference] = orjson.loads(text)
        return found

    def expand(self, body: bytes) -> bytes:
        """An encoded object, list or event with FieldsV1 in place of references."""
        at = body.find(MARK)
        if at < 0:
            return body
        out: list[bytes] = []
        start = 0
        while at >= 0:
            begin = at + len(MARK) - 2  # the quotation mark
            end = body.find(b'"', begin + 1)
            text = self._bytes_of(body[begin + 1 : end])
            if text is not None:
                out += (body[start:begin], text)
                start = end + 1
            at = body.find(MARK, end)
        out.append(body[start:])
        return b"".join(out)

    def _bytes_of(self, reference: bytes) -> bytes | None:
        found = self._bytes.get(reference)
        if found is None and REFERENCE.fullmatch(reference):
            found = self.json(reference)
            if found is not None and reference.count(b"|") < 2 and b"." not in reference:
                # No address in it: many objects have the very same.
                if len(self._bytes) > PARSED:
                    self._bytes.clear()
                self._bytes[reference] = found
        return found

    def expanded(self, obj: dict[str, Any], shelf: Shelf | None = None) -> dict[str, Any]:
        """A decoded object likewise; the argument is not changed."""
        meta = obj.get("metadata")
        entries = meta.get("managedFields") if isinstance(meta, dict) else None
        if not isinstance(entries, list) or not any(map(is_reference, entries)):
            return obj
        shown = []
        for entry in entries:
            fields = self._fields_of(entry["fieldsV1"], shelf) if is_reference(entry) else None
            shown.append(entry if fields is None else {**entry, "fieldsV1": fields})
        return {**obj, "metadata": {**obj["metadata"], "managedFields": shown}}


def filled(text: bytes, values: Iterable[bytes]) -> bytes:
    """A set's JSON with its holes filled."""
    for index, value in enumerate(values):
        text = text.replace(f"{HOLE}{index}\\".encode(), value + b"\\")
    return text


def is_reference(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("fieldsV1"), str)


SHAPES = Shapes()


# ---- holes


def fold(fields: FieldSet) -> tuple[FieldSet, Values]:
    """The shape of a set, and what fills its holes."""
    values: list[str] = []
    for (top, name), key in VARYING.items():
        parent = fields.children.get(top)
        varying = parent.children.get(name) if parent is not None else None
        if parent is None or varying is None:
            continue
        folded = _renamed(varying, _holes(varying, key, values))
        parent = FieldSet(parent.members, {**parent.children, name: folded})
        fields = FieldSet(fields.members, {**fields.children, top: parent})
    return fields, tuple(values)


def _holes(varying: FieldSet, key: str, values: list[str]) -> dict[str, str]:
    """New names of elements; `values` gets what the holes hide."""
    out = {}
    for element in sorted(varying.members | varying.children.keys()):
        value = hidden(element, key)
        if value is not None:
            out[element] = f'k:{{"{key}":"{HOLE}{len(values)}"}}'
            values.append(value)
    return out


def hidden(element: str, key: str) -> str | None:
    """The value of an element such as `k:{"ip":"10.244.0.5"}`, if it may be hidden."""
    head = f'k:{{"{key}":"'
    if not element.startswith(head) or not element.endswith('"}'):
        return None
    value = element[len(head) : -2]
    return value if PLAIN.fullmatch(value) else None


def unfold(fields: FieldSet, values: Values) -> FieldSet:
    """The set with its holes filled."""
    for top, name in VARYING:
        parent = fields.children.get(top)
        varying = parent.children.get(name) if parent is not None else None
        if parent is None or varying is None:
            continue
        names = {}
        for element in varying.members | varying.children.keys():
            value = element
            for index, text in enumerate(values):
                value = value.replace(f'{HOLE}{index}"', f'{text}"')
            names[element] = value
        filled = _renamed(varying, names)
        parent = FieldSet(parent.members, {**parent.children, name: filled})
        fields = FieldSet(fields.members, {**fields.children, top: parent})
    return fields


def _renamed(fields: FieldSet, names: dict[str, str]) -> FieldSet:
    return FieldSet(
        {names.get(m, m) for m in fields.members},
        {names.get(c, c): child for c, child in fields.children.items()},
    )


def fold_paths(paths: list[Path], values: dict[str, int]) -> tuple[Path, ...]:
    """Paths with numbers in place of what varies; `values` collects it in order."""
    for index, path in enumerate(paths):
        if len(path) > 2 and (key := VARYING.get((path[0], path[1]))) is not None:
            value = hidden(path[2], key)
            if value is not None:
                number = values.setdefault(value, len(values))
                paths[index] = (path[0], path[1], f"{HOLE}{number}", *path[3:])
    return tuple(paths)
