"""What every driver of the store does; the same tests for each."""

from __future__ import annotations

from itertools import count

import pytest

from cluster.etcd.api import (
    CompactedError,
    Delete,
    FencedError,
    FutureRevisionError,
    Guard,
    Hint,
    LeaseNotFoundError,
    Origin,
    Put,
    Store,
    Txn,
)
from cluster.etcd.memory import MemoryStore
from cluster.etcd.sql import SqlStore

hints: list[Hint] = []
numbers = count()


SQLITE = pytest.param("sqlite", marks=pytest.mark.django_db(transaction=True))


@pytest.fixture(params=["memory", SQLITE, "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    hints.clear()
    if request.param == "memory":
        return MemoryStore(hints=hints.append)
    if request.param == "sqlite":
        return SqlStore("test", hints.append)
    using = request.getfixturevalue("postgresql")
    return SqlStore(f"test-{next(numbers)}", hints.append, using=using)


def put(store: Store, key: str, value: str = "v", revision: int | None = None) -> int:
    guards = () if revision is None else (Guard(key.encode(), revision),)
    (result,) = store.commit([Txn(guards, (Put(key.encode(), value.encode()),))])
    assert result.ok
    return result.revision


def keys(store: Store, revision: int = 0) -> list[str]:
    return [kv.key.decode() for kv in store.range(b"", b"\xff", revision=revision).kvs]


def test_revisions_count_up_by_one_and_versions_by_key(store: Store) -> None:
    first = store.revision()
    assert [put(store, "a"), put(store, "a"), put(store, "b")] == [first + 1, first + 2, first + 3]
    found = store.get(b"a")
    assert found is not None
    assert (found.create_revision, found.mod_revision, found.version) == (first + 1, first + 2, 2)


def test_a_guard_that_does_not_hold_changes_nothing_and_says_what_is(store: Store) -> None:
    revision = put(store, "a")
    before = store.revision()
    (result,) = store.commit([Txn((Guard(b"a", 0),), (Put(b"a", b"new"),))])
    assert not result.ok
    assert result.actual == revision
    assert store.revision() == before


def test_one_failed_transaction_of_a_group_does_not_stop_the_others(store: Store) -> None:
    results = store.commit(
        [
            Txn((Guard(b"a", 0),), (Put(b"a", b"1"),)),
            Txn((Guard(b"a", 0),), (Put(b"a", b"2"),)),
            Txn((Guard(b"b", 0),), (Put(b"b", b"3"),)),
        ]
    )
    assert [r.ok for r in results] == [True, False, True]
    assert results[2].revision == results[0].revision + 1


def test_a_transaction_of_many_keys_has_one_revision(store: Store) -> None:
    put(store, "old")
    (result,) = store.commit([Txn((), (Put(b"x", b"1"), Delete(b"old"), Put(b"y", b"2")))])
    events = store.events(result.revision - 1)
    assert [(e.revision, e.sub, e.key) for e in events] == [
        (result.revision, 0, b"x"),
        (result.revision, 1, b"old"),
        (result.revision, 2, b"y"),
    ]


def test_ranges_are_in_byte_order_and_say_how_many_there_are(store: Store) -> None:
    for key in ("b", "a/2", "a/10", "a0"):
        put(store, key)
    found = store.range(b"a/", b"a0", limit=1)
    assert [kv.key for kv in found.kvs] == [b"a/10"]
    assert (found.count, found.more) == (2, True)


def test_the_past_is_readable_until_it_is_compacted(store: Store) -> None:
    first = put(store, "a", "1")
    put(store, "a", "2")
    store.commit([Txn((), (Delete(b"a"),))])
    third = put(store, "b")
    old = store.get(b"a", first)
    assert old is not None
    assert old.value == b"1"
    assert keys(store, third - 1) == []
    store.compact(third - 1)
    with pytest.raises(CompactedError):
        store.get(b"a", first)
    with pytest.raises(CompactedError):
        store.events(first)
    with pytest.raises(CompactedError):
        store.compact(first)
    with pytest.raises(FutureRevisionError):
        store.compact(third + 100)
    assert keys(store) == ["b"]
    assert [e.key for e in store.events(third - 1)] == [b"b"]


def test_the_log_tells_who_wrote_and_why_and_never_cuts_a_revision_in_two(store: Store) -> None:
    origin = Origin("tester", "default/a", 7)
    before = store.revision()
    store.commit([Txn((), (Put(b"a", b"1"), Put(b"b", b"2")), origin)])
    put(store, "c")
    assert [e.key for e in store.events(before, limit=1)] == [b"a", b"b"]
    assert store.events(before)[0].origin == origin


def test_events_bring_the_previous_value_if_asked(store: Store) -> None:
    revision = put(store, "a", "1")
    put(store, "a", "2")
    store.commit([Txn((), (Delete(b"a"),))])
    found = store.events(revision, previous=True)
    assert [(e.value, e.previous) for e in found] == [(b"2", b"1"), (None, b"2")]


def test_a_lease_takes_its_keys_along(store: Store) -> None:
    lease = store.grant(10, now=100)
    store.commit([Txn((), (Put(b"a", b"1", lease.id), Put(b"b", b"1")))])
    assert store.expired(109) == []
    assert store.next_expiry() == 110
    assert store.keep_alive(lease.id, now=105).expires_at == 115
    assert store.expired(115) == [lease.id]
    store.revoke(lease.id)
    assert keys(store) == ["b"]
    assert store.lease(lease.id) is None
    with pytest.raises(LeaseNotFoundError):
        store.revoke(lease.id)


def test_an_older_token_cannot_write(store: Store) -> None:
    old = store.acquire_fence("scheduler")
    new = store.acquire_fence("scheduler")
    with pytest.raises(FencedError):
        store.commit([Txn((), (Put(b"a", b"1"),))], old)
    assert store.get(b"a") is None
    assert store.commit([Txn((), (Put(b"a", b"1"),))], new)[0].ok


def test_a_commit_is_announced_with_its_keys(store: Store) -> None:
    revision = put(store, "a")
    assert (hints[-1].revision, hints[-1].keys) == (revision, (b"a",))
