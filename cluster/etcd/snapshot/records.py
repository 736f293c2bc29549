"""The bytes in a member's database: revisions as keys, messages as values.

Encoded by hand: a handful of fields, a hundred thousand times, in processes that have no use for
the protobuf runtime. Models server/storage/mvcc/revision.go and api/mvccpb.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, error

REVISION = Struct(">QcQ")
TOMBSTONE = b"t"


class RecordError(Exception):
    """A value is not what etcd writes there."""


@dataclass(frozen=True, slots=True)
class Record:
    """A KeyValue; of a deletion only the key."""

    key: bytes
    value: bytes = b""
    create_revision: int = 0
    mod_revision: int = 0
    version: int = 0
    lease: int = 0


def revision_key(main: int, sub: int, tombstone: bool = False) -> bytes:
    return REVISION.pack(main, b"_", sub) + (TOMBSTONE if tombstone else b"")


def decode_revision(key: bytes) -> tuple[int, int, bool]:
    """(main, sub, whether it is a deletion)."""
    try:
        main, _, sub = REVISION.unpack_from(key)
    except error as short:
        raise RecordError(f"not a revision: {key!r}") from short
    return main, sub, key[REVISION.size :] == TOMBSTONE


def _varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value) if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value if value else b""


def encode(record: Record) -> bytes:
    return b"".join(
        (
            _bytes(1, record.key),
            _number(2, record.create_revision),
            _number(3, record.mod_revision),
            _number(4, record.version),
            _bytes(5, record.value),
            _number(6, record.lease),
        )
    )


def decode(data: bytes) -> Record:
    fields = _fields(data)
    key, value = fields.get(1, b""), fields.get(5, b"")
    if not isinstance(key, bytes) or not isinstance(value, bytes):
        raise RecordError("not a KeyValue")
    return Record(key, value, *(_signed(fields.get(number, 0)) for number in (2, 3, 4, 6)))


def encode_lease(lease: int, ttl: int) -> bytes:
    return _number(1, lease) + _number(2, ttl)


def decode_lease(data: bytes) -> tuple[int, int]:
    """(id, granted seconds to live)."""
    fields = _fields(data)
    return _signed(fields.get(1, 0)), _signed(fields.get(2, 0))


def _signed(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise RecordError("a number is expected")
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> dict[int, int | bytes]:
    found: dict[int, int | bytes] = {}
    at = 0
    try:
        while at < len(data):
            tag, at = _take(data, at)
            if tag & 7 == 0:
                found[tag >> 3], at = _take(data, at)
            elif tag & 7 == 2:
                size, at = _take(data, at)
                if at + size > len(data):
                    raise RecordError("a value is cut off")
                found[tag >> 3] = data[at : at + size]
                at += size
            else:
                raise RecordError("an unknown kind of field")
    except IndexError as short:
        raise RecordError("a value is cut off") from short
    return found


def _take(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
