"""The real etcdctl's words and exit codes."""

from __future__ import annotations

import base64
from typing import Any

from cluster.etcd.api import Delete, Put, Txn
from tests.etcd.grpc.conftest import Etcd, eventually, lines_of


def keys(found: dict[str, Any]) -> list[str]:
    return [base64.b64decode(kv["key"]).decode() for kv in found.get("kvs", ())]


def test_put_get_and_del_are_the_stores(etcd: Etcd) -> None:
    assert etcd.ctl("put", "/registry/x/a", "1") == "OK\n"
    found = etcd.store.get(b"/registry/x/a")
    assert found is not None
    assert (found.value, found.version) == (b"1", 1)
    etcd.store.commit([Txn((), (Put(b"/registry/x/b", b"2"),))])
    assert etcd.ctl("get", "/registry/", "--prefix", "--keys-only").split() == [
        "/registry/x/a",
        "/registry/x/b",
    ]
    assert etcd.ctl("put", "/registry/x/a", "3", "--prev-kv") == "OK\n/registry/x/a\n1\n"
    assert etcd.ctl("del", "/registry/", "--prefix", "--prev-kv").split() == [
        "2", "/registry/x/a", "3", "/registry/x/b", "2",
    ]  # fmt: skip


def test_ranges_are_sorted_limited_counted_and_taken_from_the_past(etcd: Etcd) -> None:
    for key, value in (("a", "3"), ("b", "1"), ("c", "2")):
        etcd.ctl("put", key, value)
    first = etcd.store.get(b"a")
    assert first is not None
    etcd.ctl("put", "a", "9")
    etcd.ctl("del", "b")
    by_value = etcd.json("get", "", "--from-key", "--sort-by=VALUE", "--order=DESCEND")
    assert keys(by_value) == ["a", "c"]
    limited = etcd.json("get", "a", "z", "--limit=1")
    assert (keys(limited), limited["count"], limited["more"]) == (["a"], 2, True)
    old = etcd.json("get", "", "--prefix", f"--rev={first.mod_revision + 2}")
    assert keys(old) == ["a", "b", "c"]
    assert old["header"]["revision"] == etcd.store.revision()
    assert etcd.json("get", "a", "z", "--write-out=json", "--limit=0")["count"] == 2


def test_a_transaction_takes_the_branch_its_compares_say(etcd: Etcd) -> None:
    etcd.ctl("put", "k", "old")
    text = 'value("k") = "old"\nversion("k") < "2"\n\nput k new\nget k\n\nget k\n\n'
    assert etcd.ctl("txn", stdin=text).split() == ["SUCCESS", "OK", "k", "new"]
    assert etcd.ctl("txn", stdin=text).split() == ["FAILURE", "k", "new"]
    twice = etcd.run("txn", stdin="\nput a 1\nput a 2\n\n\n")
    assert twice.returncode == 1
    assert "etcdserver: duplicate key given in txn request" in twice.stderr


def test_watchers_see_every_write_whoever_makes_it(etcd: Etcd) -> None:
    etcd.ctl("put", "/a/1", "0")
    watching = etcd.watch("/a/", "--prefix", "--prev-kv")
    etcd.ctl("put", "/a/1", "1")
    etcd.store.commit([Txn((), (Delete(b"/a/1"), Put(b"/b", b""), Put(b"/a/2", b"2")))])
    assert lines_of(watching, 11) == [
        "PUT", "/a/1", "0", "/a/1", "1",
        "DELETE", "/a/1", "1", "/a/1", "",
        "PUT",
    ]  # fmt: skip


def test_a_watch_from_a_revision_brings_what_happened_since(etcd: Etcd) -> None:
    revision = etcd.json("put", "x", "1")["header"]["revision"]
    etcd.ctl("put", "x", "2")
    assert lines_of(etcd.watch("x", f"--rev={revision}"), 6) == ["PUT", "x", "1", "PUT", "x", "2"]


def test_a_watch_from_a_future_revision_waits_for_it(etcd: Etcd) -> None:
    etcd.ctl("put", "x", "1")
    future = etcd.watch("x", f"--rev={etcd.store.revision() + 2}")
    present = etcd.watch("x")
    etcd.ctl("put", "x", "2")
    etcd.ctl("put", "x", "3")
    assert lines_of(future, 3) == ["PUT", "x", "3"]
    assert lines_of(present, 3) == ["PUT", "x", "2"]


def test_compaction_ends_the_past(etcd: Etcd) -> None:
    revision = etcd.json("put", "x", "1")["header"]["revision"]
    etcd.ctl("put", "x", "2")
    etcd.ctl("put", "x", "3")
    assert f"compacted revision {revision + 1}" in etcd.ctl("compaction", str(revision + 1))
    done = etcd.run("get", "x", f"--rev={revision}")
    assert done.returncode == 1
    assert "etcdserver: mvcc: required revision has been compacted" in done.stderr
    again = etcd.run("compaction", str(revision))
    assert "etcdserver: mvcc: required revision has been compacted" in again.stderr
    future = etcd.run("get", "x", "--rev=99999")
    assert "etcdserver: mvcc: required revision is a future revision" in future.stderr
    watch = etcd.run("watch", "x", f"--rev={revision}")
    assert "required revision has been compacted" in watch.stderr + watch.stdout
    survivor = lines_of(etcd.watch("x", f"--rev={revision + 1}"), 6)
    assert survivor == ["PUT", "x", "2", "PUT", "x", "3"]


def test_leases_run_on_cluster_time(etcd: Etcd) -> None:
    lease = etcd.ctl("lease", "grant", "100").split()[1]
    etcd.ctl("put", "k", "v", f"--lease={lease}")
    etcd.clock.advance_to(etcd.clock.now() + 60)
    assert "remaining(40s), attached keys([k])" in etcd.ctl("lease", "timetolive", lease, "--keys")
    etcd.ctl("lease", "keep-alive", lease, "--once")
    etcd.clock.advance_to(etcd.clock.now() + 60)
    assert lease in etcd.ctl("lease", "list")
    etcd.clock.advance_to(etcd.clock.now() + 60)
    eventually(lambda: etcd.store.get(b"k") is None)
    assert "already expired" in etcd.ctl("lease", "timetolive", lease)
    gone = etcd.run("lease", "revoke", lease)
    assert "etcdserver: requested lease not found" in gone.stderr
    refused = etcd.run("put", "k", "v", f"--lease={lease}")
    assert "etcdserver: requested lease not found" in refused.stderr


def test_the_member_is_healthy_and_alone(etcd: Etcd) -> None:
    assert "is healthy" in etcd.run("endpoint", "health").stderr
    (status,) = etcd.json("endpoint", "status")
    assert status["Status"]["leader"] == status["Status"]["header"]["member_id"]
    (member,) = etcd.json("member", "list")["members"]
    assert (member["name"], f"{member['ID']:x}") == ("minikube", "aec36adc501070cc")


def test_what_is_missing_or_too_large_is_said_in_etcds_words(etcd: Etcd) -> None:
    empty = etcd.run("put", "", "x")
    assert "etcdserver: key is not provided" in empty.stderr
    large = etcd.run("put", "x", stdin="x" * (1600 * 1024))
    assert "etcdserver: request is too large" in large.stderr
