"""Writing a snapshot: the database a real member would have, and its SHA-256.

The file is written to disk first, since its first page says where the last one is; from there it
is streamed. What is in memory at any time is some thousands of rows and a page a level.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from cluster.etcd import bolt
from cluster.etcd.archive import Archive, Dump
from cluster.etcd.snapshot.records import Record, encode, encode_lease, revision_key

CHUNK = 1 << 20
TERM = 2
MEMBER = 0xAEC36ADC501070CC
Pairs = Iterator[tuple[bytes, bytes]]


def save(store: Archive, path: Path) -> int:
    """Returns the snapshot's revision."""
    with store.dump() as dump, path.open("w+b") as file:
        bolt.write(file, buckets(dump))
        file.seek(0)
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        file.write(digest.digest())
        return dump.revision


def buckets(dump: Dump) -> Iterator[tuple[bytes, Pairs]]:
    """Of a member of etcd 3.5, which every later one can start from. Names in byte order.

    Members and the cluster's version are left to whoever restores: they give it new ones.
    """
    for name in (b"alarm", b"auth", b"authRoles", b"authUsers", b"cluster"):
        yield name, iter(())
    yield b"key", history(dump)
    yield b"lease", _leases(dump)
    yield b"members", iter(())
    yield b"members_removed", iter(())
    yield b"meta", iter(sorted(_meta(dump).items()))


def history(dump: Dump) -> Pairs:
    for event in dump.events():
        if event.value is None:
            yield revision_key(event.revision, event.sub, tombstone=True), encode(Record(event.key))
            continue
        record = Record(
            event.key, event.value, event.create_revision, event.revision, event.version,
            event.lease,
        )  # fmt: skip
        yield revision_key(event.revision, event.sub), encode(record)


def _leases(dump: Dump) -> Pairs:
    for lease in dump.leases:
        yield lease.id.to_bytes(8, "big"), encode_lease(lease.id, lease.ttl)


def _meta(dump: Dump) -> dict[bytes, bytes]:
    found = {
        b"consistent_index": dump.revision.to_bytes(8, "big"),
        b"term": TERM.to_bytes(8, "big"),
        b"confState": json.dumps({"voters": [MEMBER], "auto_leave": False}).encode(),
    }
    if dump.compacted:
        found[b"scheduledCompactRev"] = revision_key(dump.compacted, 0)
        found[b"finishedCompactRev"] = revision_key(dump.compacted, 0)
    return found
