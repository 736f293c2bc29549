"""Snapshots, checksums, alarms and the care etcd takes of itself."""

from __future__ import annotations

from pathlib import Path

from cluster.etcd.alarms import NOSPACE
from cluster.etcd.api import Put, Txn
from cluster.etcd.grpc.care import STEP, Compactor, Retention, over_quota
from cluster.etcd.memoryarchive import MemoryArchive
from cluster.etcd.snapshot.check import status, verify
from tests.etcd.grpc.conftest import Etcd


def test_etcdctl_saves_a_snapshot_that_is_whole(etcd: Etcd, tmp_path: Path) -> None:
    for number in range(50):
        etcd.store.commit([Txn((), (Put(b"k%d" % number, b"x" * 10_000),))])
    file = tmp_path / "snapshot.db"
    assert f"Snapshot saved at {file}" in etcd.ctl("snapshot", "save", str(file))
    verify(file)
    assert status(file).revision == etcd.store.revision()


def test_checksums_follow_the_content(etcd: Etcd) -> None:
    etcd.ctl("put", "a", "1")
    (one,) = etcd.json("endpoint", "hashkv")
    (again,) = etcd.json("endpoint", "hashkv")
    etcd.ctl("put", "a", "2")
    (other,) = etcd.json("endpoint", "hashkv")
    (past,) = etcd.json("endpoint", "hashkv", f"--rev={etcd.store.revision() - 1}")
    assert one["HashKV"]["hash"] == again["HashKV"]["hash"] == past["HashKV"]["hash"]
    assert other["HashKV"]["hash"] != one["HashKV"]["hash"]


def test_a_full_database_refuses_puts_until_it_is_disarmed(etcd: Etcd) -> None:
    assert etcd.server is not None
    etcd.ctl("put", "a", "x" * 5000)
    etcd.server.face.quota = 5500
    etcd.server.face.size = etcd.store.size().total
    full = etcd.run("put", "b", "x" * 1000)
    assert full.returncode == 1
    assert "etcdserver: mvcc: database space exceeded" in full.stderr
    assert "alarm:NOSPACE" in etcd.ctl("alarm", "list")
    assert "alarm:NOSPACE" in etcd.ctl("endpoint", "status")
    etcd.ctl("del", "a")
    etcd.ctl("compaction", str(etcd.store.revision()))
    etcd.ctl("defrag")
    assert "etcdserver: mvcc: database space exceeded" in etcd.run("put", "b", "1").stderr
    assert "alarm:NOSPACE" in etcd.ctl("alarm", "disarm")
    assert etcd.ctl("alarm", "list") == ""
    assert etcd.ctl("put", "b", "1") == "OK\n"


def test_the_api_servers_own_writes_raise_the_alarm_too() -> None:
    store = MemoryArchive()
    store.commit([Txn((), (Put(b"a", b"x" * 1000),))])
    assert not over_quota(store, quota=5000)
    assert not over_quota(store, quota=0)
    assert over_quota(store, quota=500)
    assert store.alarms() == NOSPACE


def put_many(store: MemoryArchive, count: int) -> None:
    store.commit([Txn((), (Put(b"k", b"%d" % n),)) for n in range(count)])


def drain(compactor: Compactor, now: float) -> int:
    """How many steps it took."""
    target, steps = compactor.target(now), 0
    while compactor.step(target):
        steps += 1
    return steps


def test_history_beyond_a_number_of_revisions_is_forgotten_in_steps() -> None:
    store = MemoryArchive()
    compactor = Compactor(store, Retention.parse("1000"))
    put_many(store, 900)
    assert drain(compactor, 0) == 0
    put_many(store, 2 * STEP)
    assert drain(compactor, 0) == 2
    assert store.compacted() == store.revision() - 1000


def test_history_older_than_a_time_is_forgotten() -> None:
    store = MemoryArchive()
    compactor = Compactor(store, Retention.parse("1h"))
    put_many(store, 10)
    old = store.revision()
    assert drain(compactor, 1000) == 0
    put_many(store, 10)
    assert drain(compactor, 2000) == 0
    assert drain(compactor, 1000 + 3600) == 1
    assert store.compacted() == old


def test_retention_may_be_both_and_nothing() -> None:
    assert Retention.parse("5000, 24h") == Retention(5000, 86400)
    assert Retention.parse("0") == Retention(0, 0)
