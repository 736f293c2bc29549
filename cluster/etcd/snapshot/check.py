"""Is the file whole, and what is in it. Models etcdutl/snapshot/v3_snapshot.go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from cluster.etcd import bolt
from cluster.etcd.snapshot.records import RecordError, decode_revision

DIGEST = 32
SECTOR = 512  # a database's size is a multiple of this; a snapshot's has the digest on top


class SnapshotError(Exception):
    """The file cannot be used; the text says why, in etcdutl's words where it has some."""


@dataclass(frozen=True, slots=True)
class Status:
    hash: int
    revision: int
    total_key: int
    total_size: int


def status(path: Path) -> Status:
    """As `etcdctl snapshot status` shows it: the checksum over every bucket's name, keys and
    values, how many keys these are, and the newest revision. The file's digest is not looked at."""
    _exists(path)
    crc, keys, revision = google_crc32c.Checksum(), 0, 0
    try:
        with bolt.Reader(path) as database:
            size = database.size
            for name, pairs in database.buckets():
                crc.update(name)
                for key, value in pairs:
                    crc.update(key)
                    crc.update(value)
                    keys += 1
                    if name == b"key":
                        revision = decode_revision(key)[0]
    except (bolt.BoltError, RecordError) as error:
        raise SnapshotError(f"snapshot file integrity check failed: {error}") from error
    return Status(int.from_bytes(crc.digest(), "big"), revision, keys, size)


def verify(path: Path, skip_hash: bool = False) -> None:
    """Raises SnapshotError unless the digest at the end is the database's."""
    size = _exists(path)
    if skip_hash:
        return
    if size % SECTOR != DIGEST:
        raise SnapshotError("snapshot missing hash but --skip-hash-check=false")
    digest = hashlib.sha256()
    left = size - DIGEST
    with path.open("rb") as file:
        while left and (chunk := file.read(min(left, 1 << 20))):
            digest.update(chunk)
            left -= len(chunk)
        expected = file.read()
    if digest.digest() != expected:
        raise SnapshotError(f"expected sha256 {_go(expected)}, got {_go(digest.digest())}")


def _exists(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SnapshotError(f"stat {path}: {reason}") from error


def _go(digest: bytes) -> str:
    return "[" + " ".join(str(byte) for byte in digest) + "]"
