"""Snapshots of every driver, to and from it; and with real etcd's programs."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import count
from pathlib import Path

import pytest

from cluster.etcd.api import CompactedError, Delete, FencedError, NoSpaceError, Put, Txn
from cluster.etcd.archive import Archive
from cluster.etcd.grpc.care import Compactor, Retention
from cluster.etcd.memoryarchive import MemoryArchive
from cluster.etcd.snapshot.check import SnapshotError, status, verify
from cluster.etcd.snapshot.hashes import hash_keys
from cluster.etcd.snapshot.records import Record, decode, encode
from cluster.etcd.snapshot.restore import content, restore
from cluster.etcd.snapshot.save import save
from cluster.etcd.sqlarchive import SqlArchive
from tests.etcd.grpc.conftest import needed, real_etcd

SQLITE = pytest.param("sqlite", marks=pytest.mark.django_db(transaction=True))
numbers = count()


@pytest.fixture(params=["memory", SQLITE, "postgresql"])
def store(request: pytest.FixtureRequest) -> Archive:
    if request.param == "memory":
        return MemoryArchive()
    if request.param == "sqlite":
        return SqlArchive("snapshots")
    using = request.getfixturevalue("postgresql")
    return SqlArchive(f"snapshots-{next(numbers)}", using=using)


def put(store: Archive, *pairs: tuple[str, str], lease: int = 0) -> int:
    ops = tuple(Put(key.encode(), value.encode(), lease) for key, value in pairs)
    return store.commit([Txn((), ops)])[0].revision


def delete(store: Archive, key: str) -> None:
    store.commit([Txn((), (Delete(key.encode()),))])


def fill(store: Archive) -> None:
    """Something of everything: versions, deletions, a lease, several keys at one revision, more
    than a page, history that was compacted."""
    lease = store.grant(100, now=0).id
    for number in range(300):
        put(store, (f"/registry/pods/{number}", "x" * number * 7), ("/registry/last", str(number)))
        if number % 3 == 0:
            delete(store, f"/registry/pods/{number - 1}")
    put(store, ("/leased", "v"), lease=lease)
    store.compact(store.revision() // 2)
    put(store, ("/registry/pods/7", "new"), ("/own", ""))


def everything(store: Archive) -> dict[bytes, bytes]:
    return {kv.key: kv.value for kv in store.range(b"", b"\xff").kvs}


def test_a_snapshot_has_all_that_is_alive_as_it_is(store: Archive, tmp_path: Path) -> None:
    fill(store)
    assert save(store, tmp_path / "s") == store.revision()
    verify(tmp_path / "s")
    found = content(tmp_path / "s")
    assert sorted(found.kvs) == sorted(store.range(b"", b"\xff").kvs)
    assert [(lease.ttl, lease.id) for lease in found.leases] == [
        (lease.ttl, lease.id) for lease in store.leases()
    ]


def test_restoring_brings_everything_back_but_what_is_the_simulations_own(
    store: Archive, tmp_path: Path
) -> None:
    fill(store)
    put(store, ("/orrery/clock", "then"))
    before = everything(store)
    save(store, tmp_path / "s")
    put(store, ("/registry/pods/7", "changed"), ("/registry/later", "x"), ("/orrery/clock", "now"))
    put(store, ("/orrery/machine", "new"))
    delete(store, "/registry/last")
    latest = store.revision()
    fence = store.acquire_fence("scheduler")
    epoch = store.epoch
    revision = restore(store, tmp_path / "s", now=1000)
    assert revision > latest
    assert store.revision() == store.compacted() == revision
    assert store.epoch == epoch + 1
    own = {b"/orrery/clock": b"now", b"/orrery/machine": b"new"}
    assert everything(store) == {**before, **own}
    with pytest.raises(CompactedError):
        store.events(latest)
    with pytest.raises(FencedError):
        store.commit([Txn((), (Put(b"a", b""),))], fence)
    (lease,) = store.leases()
    assert (lease.expires_at, lease.keys) == (1100, (b"/leased",))


def test_life_goes_on_after_a_restore(store: Archive, tmp_path: Path) -> None:
    put(store, ("a", "1"))
    put(store, ("a", "2"))
    save(store, tmp_path / "s")
    revision = restore(store, tmp_path / "s", now=0)
    assert put(store, ("a", "3")) == revision + 1
    (event,) = store.events(revision, previous=True)
    assert (event.previous, event.version) == (b"2", 3)
    store.compact(revision + 1)
    assert everything(store) == {b"a": b"3"}
    save(store, tmp_path / "again")
    assert [kv.value for kv in content(tmp_path / "again").kvs] == [b"3"]


def test_a_damaged_snapshot_changes_nothing(store: Archive, tmp_path: Path) -> None:
    put(store, ("a", "1"))
    path = tmp_path / "s"
    save(store, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + b"!" + whole[5001:])
    with pytest.raises(SnapshotError, match="expected sha256"):
        restore(store, path, now=0)
    path.write_bytes(whole[:-32])
    with pytest.raises(SnapshotError, match="snapshot missing hash"):
        restore(store, path, now=0)
    with pytest.raises(SnapshotError, match="no such file"):
        status(tmp_path / "none")
    assert store.epoch == 1


def test_without_room_nothing_is_put_until_somebody_disarms(store: Archive) -> None:
    put(store, ("a", "1"))
    store.set_alarms(1)
    with pytest.raises(NoSpaceError):
        put(store, ("b", "1"))
    put(store, ("/orrery/clock", "paused"))
    delete(store, "a")
    store.set_alarms(0)
    put(store, ("b", "1"))
    assert sorted(everything(store)) == [b"/orrery/clock", b"b"]


def test_compacting_in_steps_leaves_what_compacting_at_once_leaves(store: Archive) -> None:
    other = MemoryArchive()
    for one in (store, other):
        for number in range(60):
            put(one, (f"k{number % 7}", str(number)))
            if number % 5 == 0:
                delete(one, f"k{number % 3}")
    base = store.revision() - other.revision()
    for revision in range(5, 50, 9):
        store.compact(revision + base)
    other.compact(41)
    with store.dump() as one_dump, other.dump() as other_dump:
        left = [(e.revision - base, e.key, e.value) for e in one_dump.events()]
        assert left == [(e.revision, e.key, e.value) for e in other_dump.events()]


def test_a_short_history_keeps_the_database_small(store: Archive) -> None:
    compactor = Compactor(store, Retention(revisions=200))
    sizes = []
    for _ in range(6):
        for number in range(400):
            put(store, (f"k{number % 10}", "x" * 500))
        target = compactor.target(0)
        while compactor.step(target):
            pass
        with store.dump() as dump:
            assert sum(1 for _ in dump.events()) <= 210
        if isinstance(store, SqlArchive) and store._using != "default":
            store.defragment()  # what PostgreSQL's autovacuum does in its own time
        sizes.append(store.size().total)
    assert sizes[-1] <= sizes[1] * 1.5, sizes


def test_records_are_protobuf() -> None:
    record = Record(b"k", b"v" * 300, 1, 1 << 40, 3, -5)
    assert decode(encode(record)) == record
    assert encode(Record(b"a", b"b", 1, 2, 3, 4)).hex() == "0a0161100118022003" + "2a01623004"


# ---- with etcd's own programs


def etcdctl(*arguments: str) -> str:
    done = subprocess.run(
        [needed("etcdctl", "etcd-client"), *arguments], env={**os.environ, "ETCDCTL_API": "3"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_etcdctl_agrees_about_what_is_in_a_snapshot(store: Archive, tmp_path: Path) -> None:
    fill(store)
    save(store, tmp_path / "s")
    theirs = json.loads(etcdctl("snapshot", "status", str(tmp_path / "s"), "-w", "json"))
    ours = status(tmp_path / "s")
    assert theirs == {
        "hash": ours.hash,
        "revision": store.revision(),
        "totalKey": ours.total_key,
        "totalSize": ours.total_size,
    }


def test_a_real_etcd_boots_from_our_snapshot_with_every_key(tmp_path: Path) -> None:
    store = MemoryArchive()
    fill(store)
    save(store, tmp_path / "s")
    etcdctl("snapshot", "restore", str(tmp_path / "s"), "--data-dir", str(tmp_path / "etcd"))
    with real_etcd(tmp_path / "etcd") as endpoint:
        found = json.loads(
            etcdctl(f"--endpoints={endpoint}", "get", "", "--prefix", "-w", "json", "--hex")
        )
        assert found["count"] == len(everything(store))
        assert found["header"]["revision"] == store.revision()
        theirs = {
            (kv["key"], kv["create_revision"], kv["mod_revision"], kv["version"])
            for kv in found["kvs"]
        }
        assert len(theirs) == found["count"]
        (hashed,) = json.loads(
            etcdctl(f"--endpoints={endpoint}", "endpoint", "hashkv", "-w", "json")
        )
        assert hashed["HashKV"]["hash"] == hash_keys(store, 0)[0]
        assert len(etcdctl(f"--endpoints={endpoint}", "lease", "list").splitlines()) == 2


def test_a_snapshot_of_a_real_etcd_is_restored_into_ours(store: Archive, tmp_path: Path) -> None:
    with real_etcd(tmp_path / "etcd") as endpoint:
        ctl = f"--endpoints={endpoint}"
        for number in range(20):
            etcdctl(ctl, "put", f"k{number % 12}", f"v{number}")
        etcdctl(ctl, "del", "k3")
        etcdctl(ctl, "compaction", "10")
        etcdctl(ctl, "put", "big", "x" * 100_000)
        etcdctl(ctl, "snapshot", "save", str(tmp_path / "s"))
    put(store, ("mine", "gone"))
    restore(store, tmp_path / "s", now=0)
    found = everything(store)
    assert len(found) == 12
    assert (found[b"k0"], found[b"k11"], found[b"big"]) == (b"v12", b"v11", b"x" * 100_000)
    assert b"k3" not in found
    assert b"mine" not in found
