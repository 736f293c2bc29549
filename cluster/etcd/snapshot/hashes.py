"""The checksums members compare: of everything stored, and of the keys up to a revision.

Models server/storage/mvcc/hash.go and backend.Hash.
"""

from __future__ import annotations

import google_crc32c

from cluster.etcd.api import CompactedError, FutureRevisionError
from cluster.etcd.archive import Archive, Dump
from cluster.etcd.snapshot.records import decode_revision
from cluster.etcd.snapshot.save import buckets, history


def hash_all(store: Archive) -> int:
    crc = google_crc32c.Checksum()
    with store.dump() as dump:
        for name, pairs in buckets(dump):
            crc.update(name)
            for key, value in pairs:
                crc.update(key)
                crc.update(value)
    return int.from_bytes(crc.digest(), "big")


def hash_keys(store: Archive, revision: int) -> tuple[int, int, int]:
    """(checksum, compacted revision, the revision it is of). Raises CompactedError and
    FutureRevisionError. What compaction kept counts only while it is still the newest."""
    with store.dump() as dump:
        if revision > dump.revision:
            raise FutureRevisionError
        if 0 < revision <= dump.compacted:
            raise CompactedError(dump.compacted)
        upto = revision or dump.revision
        newest = _newest(dump, upto)
        crc = google_crc32c.Checksum(b"key")
        for key, value in history(dump):
            main, sub, _ = decode_revision(key)
            if main > upto or (main <= dump.compacted and newest and (main, sub) not in newest):
                continue
            crc.update(key)
            crc.update(value)
        return int.from_bytes(crc.digest(), "big"), dump.compacted, upto


def _newest(dump: Dump, revision: int) -> set[tuple[int, int]]:
    """Where the value of each key that is alive at a revision stands."""
    found: dict[bytes, tuple[int, int]] = {}
    for event in dump.events():
        if event.revision > revision:
            break
        if event.value is None:
            found.pop(event.key, None)
        else:
            found[event.key] = (event.revision, event.sub)
    return set(found.values())
