"""The drivers against each other: whatever is done to them, both answer and log the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cluster.etcd.api import (
    CompactedError,
    Delete,
    FutureRevisionError,
    Guard,
    LeaseNotFoundError,
    Put,
    Store,
    Txn,
)
from cluster.etcd.memory import MemoryStore
from cluster.etcd.sql import SqlStore

KEYS = [b"a", b"a/b", b"b", b"\xfe"]
REFUSALS = (CompactedError, FutureRevisionError, LeaseNotFoundError)

key = st.sampled_from(KEYS)
back = st.integers(min_value=-1, max_value=6)


class Drivers(RuleBasedStateMachine):
    """Every rule does one thing to both stores; a refusal must be the same one."""

    make: Callable[[], Store]

    def __init__(self) -> None:
        super().__init__()
        self.memory: Store = MemoryStore("same")
        self.sql: Store = type(self).make()
        assert self.memory.revision() == self.sql.revision()
        self.now = 100.0

    def both(self, do: Callable[[Store], Any]) -> Any:
        answers = []
        for store in (self.memory, self.sql):
            try:
                answers.append(do(store))
            except REFUSALS as refusal:
                answers.append((type(refusal), str(refusal)))
        assert answers[0] == answers[1]
        return answers[0]

    def lease(self, index: int) -> int:
        held = [lease.id for lease in self.memory.leases()]
        return held[index % len(held)] if held and index else 0

    @rule(
        changes=st.dictionaries(key, st.none() | st.binary(max_size=3), max_size=3),
        guarded=st.none() | key,
        stale=st.booleans(),
        lease=st.integers(0, 2),
    )
    def commit(
        self, changes: dict[bytes, bytes | None], guarded: bytes | None, stale: bool, lease: int
    ) -> None:
        guards: tuple[Guard, ...] = ()
        if guarded is not None:
            found = self.memory.get(guarded)
            guards = (Guard(guarded, (found.mod_revision if found else 0) + stale),)
        ops = tuple(
            Delete(k) if v is None else Put(k, v, self.lease(lease)) for k, v in changes.items()
        )
        self.both(lambda s: s.commit([Txn(guards, ops), Txn((), ops[:1])]))

    @rule(ttl=st.integers(1, 5))
    def grant(self, ttl: int) -> None:
        self.both(lambda s: s.grant(ttl, self.now))

    @rule(index=st.integers(1, 3))
    def revoke(self, index: int) -> None:
        found = self.lease(index)
        self.both(lambda s: s.revoke(found))

    @rule(seconds=st.integers(1, 4))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        assert self.memory.next_expiry() == self.sql.next_expiry()
        for lease in self.both(lambda s: s.expired(self.now)):
            self.both(lambda s, lease=lease: s.revoke(lease))

    @rule(index=st.integers(1, 3))
    def keep_alive(self, index: int) -> None:
        found = self.lease(index)
        self.both(lambda s: s.keep_alive(found, self.now))

    @rule(ago=back)
    def compact(self, ago: int) -> None:
        revision = self.memory.revision() - ago
        self.both(lambda s: s.compact(revision))

    @rule(ago=back, start=key, limit=st.integers(0, 2))
    def look_back(self, ago: int, start: bytes, limit: int) -> None:
        revision = max(1, self.memory.revision() - ago)
        self.both(lambda s: s.range(start, b"\xff", limit=limit, revision=revision))
        self.both(lambda s: s.get(start, revision))

    @rule(ago=back, limit=st.integers(0, 3))
    def tail(self, ago: int, limit: int) -> None:
        after = self.memory.revision() - ago
        self.both(
            lambda s: [(e.revision, e.sub, e.key, e.value) for e in s.events(after, limit=limit)]
        )

    @invariant()
    def they_are_the_same(self) -> None:
        self.both(lambda s: (s.revision(), s.compacted(), s.range(b"", b"\xff"), s.leases()))


def run(make: Callable[[], Store]) -> None:
    machine = type("Machine", (Drivers,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            deadline=None,
            max_examples=40,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db(transaction=True)
def test_memory_and_sqlite_agree() -> None:
    numbers = iter(range(1_000_000))
    run(lambda: SqlStore(f"agree-{next(numbers)}"))


def test_memory_and_postgresql_agree(postgresql: str) -> None:
    numbers = iter(range(1_000_000))
    run(lambda: SqlStore(f"agree-{next(numbers)}", using=postgresql))
