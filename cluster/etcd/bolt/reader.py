"""A database file read through a memory map; nothing of it is trusted."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from struct import error
from types import TracebackType

from cluster.etcd.bolt.format import (
    BRANCH,
    BRANCH_ELEMENT,
    BUCKET,
    BUCKET_HEADER,
    HEADER,
    LEAF,
    LEAF_ELEMENT,
    BoltError,
    Meta,
    decode_meta,
)

DEEPEST = 32
META_SIZE = 64
PAGE_SIZES = (4096, 16384, 65536, 8192, 32768, 1024, 2048)


class Reader:
    """A context manager. Raises BoltError for a file that is no (whole) database."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            try:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as empty:
                raise BoltError("file is empty") from empty
        meta = self._meta()
        self._size = meta.page_size
        self.size = meta.high * meta.page_size  # without what was appended to it
        self._root = meta.root

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._map.close()

    def _meta(self) -> Meta:
        """The newer of the two that are whole. The second tells where it is by its page size."""
        first = decode_meta(self._map[HEADER.size : HEADER.size + META_SIZE])
        sizes = [first.page_size] if first else PAGE_SIZES
        metas = [first] if first else []
        for size in sizes:
            at = size + HEADER.size
            found = decode_meta(self._map[at : at + META_SIZE])
            if found is not None and found.page_size == size:
                metas.append(found)
                break
        if not metas:
            raise BoltError("invalid database")
        return max(metas, key=lambda m: m.transaction)

    def buckets(self) -> Iterator[tuple[bytes, Iterator[tuple[bytes, bytes]]]]:
        """Names and contents, in order."""
        for name, value, flags in self._walk(self._root, DEEPEST):
            if flags & BUCKET:
                yield name, self._pairs(value)

    def bucket(self, wanted: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Its keys and values; none when there is no such bucket."""
        for name, pairs in self.buckets():
            if name == wanted:
                yield from pairs

    def _pairs(self, header: bytes) -> Iterator[tuple[bytes, bytes]]:
        try:
            root, _ = BUCKET_HEADER.unpack_from(header)
        except error as short:
            raise BoltError("damaged bucket") from short
        # A small bucket lies inside its parent's page: its only page follows the header.
        inline = memoryview(header)[BUCKET_HEADER.size :] if root == 0 else None
        elements = self._leaf(inline) if inline is not None else self._walk(root, DEEPEST)
        for key, value, flags in elements:
            if not flags & BUCKET:
                yield key, value

    def _page(self, number: int) -> memoryview:
        start = number * self._size
        with memoryview(self._map) as whole:
            try:
                overflow = HEADER.unpack_from(whole, start)[3]
            except error as outside:
                raise BoltError(f"page {number} is not there") from outside
            return memoryview(bytes(whole[start : start + (overflow + 1) * self._size]))

    def _walk(self, number: int, left: int) -> Iterator[tuple[bytes, bytes, int]]:
        if left == 0:
            raise BoltError("the tree is too deep")
        page = self._page(number)
        _, flags, count, _ = HEADER.unpack_from(page)
        if flags & LEAF:
            yield from self._leaf(page)
        elif flags & BRANCH:
            for at in range(count):
                place = HEADER.size + at * BRANCH_ELEMENT.size
                yield from self._walk(BRANCH_ELEMENT.unpack_from(page, place)[2], left - 1)
        else:
            raise BoltError(f"page {number} is neither branch nor leaf")

    def _leaf(self, page: memoryview) -> Iterator[tuple[bytes, bytes, int]]:
        try:
            count = HEADER.unpack_from(page)[2]
            for at in range(count):
                place = HEADER.size + at * LEAF_ELEMENT.size
                flags, position, key_size, value_size = LEAF_ELEMENT.unpack_from(page, place)
                start = place + position
                middle, end = start + key_size, start + key_size + value_size
                if end > len(page):
                    raise BoltError("an element runs over its page")
                yield bytes(page[start:middle]), bytes(page[middle:end]), flags
        except error as short:
            raise BoltError("damaged leaf") from short
