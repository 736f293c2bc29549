"""The bytes of pages and of the two meta pages at the front."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, error

PAGE = 4096
MAGIC = 0xED0CDAED
VERSION = 2
BRANCH, LEAF, META, FREELIST = 0x01, 0x02, 0x04, 0x10
BUCKET = 0x01  # flag of a leaf's element whose value is a bucket

HEADER = Struct("<QHHI")  # page id, flags, count, overflow
BRANCH_ELEMENT = Struct("<IIQ")  # position of the key from here, its size, page id
LEAF_ELEMENT = Struct("<IIII")  # flags, position, key size, value size
BUCKET_HEADER = Struct("<QQ")  # root page id, sequence
# magic, version, page size, flags, root page, sequence, freelist, high water mark, transaction
META_BODY = Struct("<IIIIQQQQQ")
CHECKSUM = Struct("<Q")


class BoltError(Exception):
    """The file is not a bbolt database, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Meta:
    page_size: int
    root: int
    freelist: int
    high: int  # the first page id that was never used
    transaction: int

    def encode(self) -> bytes:
        body = META_BODY.pack(
            MAGIC, VERSION, self.page_size, 0, self.root, 0, self.freelist, self.high,
            self.transaction,
        )  # fmt: skip
        return body + CHECKSUM.pack(fnv1a(body))


def decode_meta(data: bytes) -> Meta | None:
    """None unless it is whole: of two, one may be half written."""
    try:
        fields = META_BODY.unpack_from(data)
        (checksum,) = CHECKSUM.unpack_from(data, META_BODY.size)
    except error:
        return None
    magic, version, page_size, _, root, _, freelist, high, transaction = fields
    if magic != MAGIC or version != VERSION or checksum != fnv1a(data[: META_BODY.size]):
        return None
    return Meta(page_size, root, freelist, high, transaction)


def fnv1a(data: bytes) -> int:
    """64 bits."""
    found = 0xCBF29CE484222325
    for byte in data:
        found = ((found ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return found
