"""A snapshot's newest state, put in place of the store's. Models etcdutl snapshot restore
--bump-revision --mark-compacted, on a cluster that goes on running."""

from __future__ import annotations

from pathlib import Path

from cluster.etcd import bolt
from cluster.etcd.alarms import OWN_PREFIX
from cluster.etcd.api import KeyValue
from cluster.etcd.archive import Archive, Content, LeaseTerms
from cluster.etcd.snapshot.check import SnapshotError, verify
from cluster.etcd.snapshot.records import RecordError, decode, decode_lease, decode_revision


def restore(store: Archive, path: Path, now: float, skip_hash: bool = False) -> int:
    """Returns the store's new revision. Raises SnapshotError and changes nothing."""
    verify(path, skip_hash)
    return store.restore(content(path), now)


def content(path: Path) -> Content:
    """What was alive at the snapshot's last revision, our own objects left out."""
    try:
        with bolt.Reader(path) as database:
            alive, revision = _replay(database)
            pairs = database.bucket(b"lease")
            leases = [LeaseTerms(*decode_lease(value)) for _, value in pairs]
    except (bolt.BoltError, RecordError) as error:
        raise SnapshotError(f"snapshot file integrity check failed: {error}") from error
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}") from error
    known = {lease.id for lease in leases}
    if not revision:
        raise SnapshotError("the snapshot has no revisions")
    kvs = [kv if kv.lease in known else _free(kv) for kv in alive.values()]
    kvs.sort(key=lambda kv: (kv.mod_revision, kv.key))
    return Content(revision, kvs, leases)


def _replay(database: bolt.Reader) -> tuple[dict[bytes, KeyValue], int]:
    alive: dict[bytes, KeyValue] = {}
    revision = 0
    for place, value in database.bucket(b"key"):
        revision, _, gone = decode_revision(place)
        record = decode(value)
        if record.key.startswith(OWN_PREFIX):
            continue
        if gone:
            alive.pop(record.key, None)
            continue
        alive[record.key] = KeyValue(
            record.key, record.value, record.create_revision, record.mod_revision,
            record.version, record.lease,
        )  # fmt: skip
    return alive, revision


def _free(kv: KeyValue) -> KeyValue:
    """A key whose lease is not in the snapshot stays for good."""
    if not kv.lease:
        return kv
    return kv._replace(lease=0)
