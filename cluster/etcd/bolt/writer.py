"""A database written from sorted input, page after page: what is in memory is one page a level.

Each level of a tree holds the page it is filling. A full page goes to the file, and its first key
and number up one level; the last page left at the top is the root.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from cluster.etcd.bolt.format import (
    BRANCH,
    BRANCH_ELEMENT,
    BUCKET,
    BUCKET_HEADER,
    FREELIST,
    HEADER,
    LEAF,
    LEAF_ELEMENT,
    PAGE,
    BoltError,
    Meta,
)

FIRST = 3  # after two metas and the freelist
LEAF_SIZE = 4 * PAGE  # or objects of some kilobytes would leave half of the file empty
Pair = tuple[bytes, bytes]
Buckets = Iterable[tuple[bytes, Iterable[Pair]]]


def write(file: BinaryIO, buckets: Buckets) -> int:
    """Buckets and their keys in order of bytes; returns the file's size. It must be seekable."""
    pages = _Pages(file)
    root = _Tree(pages, BUCKET)
    for name, pairs in buckets:
        tree = _Tree(pages, 0)
        for key, value in pairs:
            tree.add(key, value)
        root.add(name, BUCKET_HEADER.pack(tree.finish(), 0))
    top = root.finish()
    file.seek(0)
    for number in range(2):
        meta = Meta(PAGE, top, 2, pages.next, transaction=number)
        file.write(_padded(HEADER.pack(number, 0x04, 0, 0) + meta.encode()))
    file.write(_padded(HEADER.pack(2, FREELIST, 0, 0)))
    file.flush()
    return pages.next * PAGE


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % PAGE)


class _Pages:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.next = FIRST
        file.seek(FIRST * PAGE)

    def write(self, flags: int, count: int, body: bytes) -> int:
        """Returns the page's number; what does not fit runs over into the following pages."""
        number = self.next
        length = -(-(HEADER.size + len(body)) // PAGE)
        self._file.write(_padded(HEADER.pack(number, flags, count, length - 1) + body))
        self.next += length
        return number


class _Level:
    """The page being filled. Leaves hold (key, value), branches (key, page number)."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self.numbers: list[int] = []
        self.size = HEADER.size


class _Tree:
    def __init__(self, pages: _Pages, flags: int) -> None:
        self._pages = pages
        self._flags = flags
        self._levels = [_Level()]
        self._last: bytes | None = None

    def add(self, key: bytes, value: bytes) -> None:
        if self._last is not None and key <= self._last:
            raise BoltError(f"keys are not in order: {key!r} after {self._last!r}")
        self._last = key
        leaf = self._levels[0]
        size = LEAF_ELEMENT.size + len(key) + len(value)
        if leaf.keys and leaf.size + size > LEAF_SIZE:
            self._flush_leaf()
            leaf = self._levels[0]
        leaf.keys.append(key)
        leaf.values.append(value)
        leaf.size += size

    def finish(self) -> int:
        """The root's page number."""
        if not self._levels[0].keys:
            return self._pages.write(LEAF, 0, b"")
        self._flush_leaf()
        at = 1
        while at < len(self._levels) - 1 or len(self._levels[at].keys) > 1:
            self._flush_branch(at)
            at += 1
        return self._levels[at].numbers[0]

    def _flush_leaf(self) -> None:
        leaf, self._levels[0] = self._levels[0], _Level()
        head, body = bytearray(), bytearray()
        table = LEAF_ELEMENT.size * len(leaf.keys)
        for at, (key, value) in enumerate(zip(leaf.keys, leaf.values, strict=True)):
            position = table - at * LEAF_ELEMENT.size + len(body)
            head += LEAF_ELEMENT.pack(self._flags, position, len(key), len(value))
            body += key
            body += value
        number = self._pages.write(LEAF, len(leaf.keys), bytes(head + body))
        self._up(1, leaf.keys[0], number)

    def _flush_branch(self, level: int) -> None:
        branch, self._levels[level] = self._levels[level], _Level()
        head, body = bytearray(), bytearray()
        table = BRANCH_ELEMENT.size * len(branch.keys)
        for at, (key, child) in enumerate(zip(branch.keys, branch.numbers, strict=True)):
            position = table - at * BRANCH_ELEMENT.size + len(body)
            head += BRANCH_ELEMENT.pack(position, len(key), child)
            body += key
        number = self._pages.write(BRANCH, len(branch.keys), bytes(head + body))
        self._up(level + 1, branch.keys[0], number)

    def _up(self, level: int, key: bytes, number: int) -> None:
        if level == len(self._levels):
            self._levels.append(_Level())
        branch = self._levels[level]
        size = BRANCH_ELEMENT.size + len(key)
        # Two children at least, or the tree would not end.
        if len(branch.keys) > 1 and branch.size + size > PAGE:
            self._flush_branch(level)
            branch = self._levels[level]
        branch.keys.append(key)
        branch.numbers.append(number)
        branch.size += size
