"""Request bodies in protobuf, which kubectl and helm send for what they build themselves.

Envelope: `k8s\\0` and a runtime.Unknown. Field numbers are data. Only decoding: every client takes
JSON answers. Models k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from cluster.apiserver.schema.definitions import Schema, definition_for, definitions, resolve
from cluster.machinery.meta import Object

MAGIC = b"k8s\x00"
META = "k8s.io.apimachinery.pkg."
INTEGERS = frozenset(("int32", "int64", "uint32", "uint64"))
Fields = dict[str, list[str]]


class MalformedError(ValueError):
    """The bytes are not what they claim to be."""


@lru_cache(maxsize=1)
def _messages() -> dict[str, Fields]:
    path = Path(__file__).with_name("data") / "protobuf_fields.json"
    found: dict[str, Fields] = orjson.loads(path.read_bytes())
    return found


@lru_cache(maxsize=1)
def _omitted() -> dict[str, frozenset[str]]:
    """Fields whose zero value is always sent and never meant: in Go they are no pointers, and
    their JSON says omitempty. A zero that is sent for a pointer is what somebody chose."""
    path = Path(__file__).with_name("data") / "protobuf_omitted.json"
    found: dict[str, list[str]] = orjson.loads(path.read_bytes())
    return {message: frozenset(fields) for message, fields in found.items()}


def decode(body: bytes) -> Object:
    """The object as JSON would have it. Raises MalformedError."""
    if not body.startswith(MAGIC):
        raise MalformedError(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    try:
        return _decode(body)
    except UnicodeDecodeError as error:
        raise MalformedError("proto: invalid UTF-8 in string") from error
    except RecursionError as error:
        raise MalformedError("proto: nested too deeply") from error
    except (orjson.JSONDecodeError, OverflowError) as error:
        raise MalformedError(f"proto: {error}") from error


def _decode(body: bytes) -> Object:
    unknown: dict[int, bytes] = {n: v for n, _, v in _wire(body[4:]) if isinstance(v, bytes)}
    meta = {n: v for n, _, v in _wire(unknown.get(1, b"")) if isinstance(v, bytes)}
    version, kind = meta.get(1, b"").decode(), meta.get(2, b"").decode()
    message = _message(version, kind)
    group, _, plain = version.rpartition("/")
    name = definition_for(group, plain, kind)
    fields = _struct(message, unknown.get(2, b""), definitions()[name] if name else {})
    return {"apiVersion": version, "kind": kind, **fields}


def _message(version: str, kind: str) -> str:
    group, _, plain = version.rpartition("/")
    if kind in ("DeleteOptions", "PatchOptions", "CreateOptions", "UpdateOptions"):
        return f"{META}apis.meta.v1.{kind}"
    name = f"k8s.io.api.{group.partition('.')[0] or 'core'}.{plain}.{kind}"
    if name not in _messages():
        raise MalformedError(f'no kind "{kind}" is registered for version "{version}"')
    return name


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise MalformedError("proto: integer overflow or unexpected EOF")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _wire(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(field number, wire type, value) of each field."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise MalformedError(f"proto: illegal wireType {kind}")
        if at + size > len(data):
            raise MalformedError("unexpected EOF")
        yield number, kind, data[at : at + size]
        at += size


def _struct(name: str, data: bytes, schema: Schema) -> Any:
    special = SPECIAL.get(name)
    if special is not None:
        return special(data)
    fields = _messages().get(name)
    if fields is None:
        raise MalformedError(f"no message {name}")
    properties = resolve(schema).get("properties") or {}
    omitted = _omitted().get(name, frozenset())
    out: dict[str, Any] = {}
    for number, _, raw in _wire(data):
        found = fields.get(str(number))
        if found is None:
            continue
        field, kind = found
        inline = field not in properties and bool(properties) and kind.startswith("k8s.io")
        value = _value(kind, raw, resolve(schema) if inline else resolve(properties.get(field)))
        if inline:
            out.update(value)
        elif kind.startswith("["):
            out.setdefault(field, []).extend(value if isinstance(value, list) else [value])
        elif kind.startswith("map<"):
            out.setdefault(field, {}).update(value)
        elif value is not None and (value or field not in omitted):
            out[field] = value
    return out


def _value(kind: str, raw: int | bytes, schema: Schema) -> Any:
    if kind.startswith("["):
        return _repeated(kind[1:-1], raw, schema)
    if kind.startswith("map<"):
        _, _, inner = kind[4:-1].partition(",")
        return _entry(inner.strip(), raw, schema)
    return _scalar(kind, raw, schema)


def _repeated(kind: str, raw: int | bytes, schema: Schema) -> list[Any]:
    items = resolve(schema.get("items"))
    if isinstance(raw, bytes) and kind in ("int32", "int64", "bool"):
        out, at = [], 0
        while at < len(raw):
            value, at = _varint(raw, at)
            out.append(_signed(value) if kind != "bool" else bool(value))
        return out
    return [_scalar(kind, raw, items)]


def _entry(kind: str, raw: int | bytes, schema: Schema) -> dict[str, Any]:
    if not isinstance(raw, bytes):
        raise MalformedError("proto: wrong wireType for a map")
    key, value = "", _empty(kind)
    values = resolve(
        schema.get("additionalProperties")
        if isinstance(schema.get("additionalProperties"), dict)
        else None
    )
    for number, _, part in _wire(raw):
        if number == 1 and isinstance(part, bytes):
            key = part.decode()
        else:
            value = _scalar(kind, part, values)
    return {key: value}


def _empty(kind: str) -> Any:
    return "" if kind in ("string", "bytes") else {}


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _scalar(kind: str, raw: int | bytes, schema: Schema) -> Any:
    if kind == "bool" and isinstance(raw, int):
        return bool(raw)
    if isinstance(raw, int) is not (kind in INTEGERS):
        raise MalformedError(f"proto: wrong wireType for a field of type {kind}")
    if isinstance(raw, int):
        return _signed(raw)
    if kind == "string":
        return raw.decode()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind == "double":
        if len(raw) != 8:
            raise MalformedError("unexpected EOF")
        return struct.unpack("<d", raw)[0]
    return _struct(kind, raw, schema)


def _time(data: bytes) -> str | None:
    seconds = {n: v for n, _, v in _wire(data) if isinstance(v, int)}.get(1)
    if seconds is None or _signed(seconds) < -62_000_000_000:
        return None
    return datetime.fromtimestamp(_signed(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(data: bytes) -> str | None:
    parts = {n: v for n, _, v in _wire(data) if isinstance(v, int)}
    if 1 not in parts:
        return None
    moment = datetime.fromtimestamp(_signed(parts[1]), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{parts.get(2, 0) // 1000:06d}Z"


def _quantity(data: bytes) -> str:
    return next((v.decode() for _, _, v in _wire(data) if isinstance(v, bytes)), "0")


def _int_or_string(data: bytes) -> int | str:
    parts = {n: v for n, _, v in _wire(data)}
    text = parts.get(3, b"")
    if parts.get(1) == 1:
        return text.decode() if isinstance(text, bytes) else ""
    number = parts.get(2, 0)
    return _signed(number) if isinstance(number, int) else 0


def _raw_json(data: bytes) -> Any:
    raw = next((v for _, _, v in _wire(data) if isinstance(v, bytes)), b"null")
    return orjson.loads(raw)


def _duration(data: bytes) -> str:
    return f"{next((v for _, _, v in _wire(data) if isinstance(v, int)), 0) / 1e9:g}s"


def _items(data: bytes) -> list[str]:
    return [v.decode() for _, _, v in _wire(data) if isinstance(v, bytes)]


SPECIAL: dict[str, Any] = {
    f"{META}apis.meta.v1.Time": _time,
    f"{META}apis.meta.v1.MicroTime": _micro_time,
    f"{META}apis.meta.v1.FieldsV1": _raw_json,
    f"{META}apis.meta.v1.Duration": _duration,
    f"{META}apis.meta.v1.Verbs": _items,
    f"{META}api.resource.Quantity": _quantity,
    f"{META}util.intstr.IntOrString": _int_or_string,
    f"{META}runtime.RawExtension": _raw_json,
    "k8s.io.api.authorization.v1.ExtraValue": _items,
    "k8s.io.api.authentication.v1.ExtraValue": _items,
    "k8s.io.api.certificates.v1.ExtraValue": _items,
}
