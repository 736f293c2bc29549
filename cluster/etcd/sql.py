"""The SQL driver, on Django's connection: SQLite (WAL) and PostgreSQL.

Raw SQL, since these are the hottest statements there are; the tables are cluster.models'. The
counter row is taken first in every write transaction, so revisions become visible in order and
without gaps. Each thread uses its own connection, as Django does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import connections, transaction

from cluster.etcd.alarms import refuse_puts
from cluster.etcd.api import (
    NOBODY,
    CompactedError,
    Delete,
    Event,
    Fence,
    FencedError,
    FutureRevisionError,
    Hint,
    HintSink,
    KeyValue,
    Lease,
    LeaseNotFoundError,
    Origin,
    RangeResult,
    Txn,
    TxnResult,
)
from cluster.etcd.batch import Batch, Row, leases_of, touched
from cluster.etcd.dialect import COMPACT_DELETED, COMPACT_REPLACED, Dialect, dialect_of
from cluster.etcd.ticket import Priority, ticket_for

KEYS_A_QUERY = 400  # SQLite takes 999 parameters in old builds

EVENT_COLUMNS = (
    "r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease, "
    "r.previous_revision, r.component, r.reconcile, r.cause"
)
KV_COLUMNS = "r.key, r.value, r.create_revision, r.revision, r.version, r.lease"
# The newest change of each key at a revision; tombstones are dropped by the outer condition.
AS_OF = (
    f"SELECT {KV_COLUMNS} FROM cluster_revision r JOIN ("
    "SELECT key, MAX(revision) AS newest FROM cluster_revision "
    "WHERE cluster_id = %s AND key >= %s AND key < %s AND revision <= %s GROUP BY key"
    ") n ON r.cluster_id = %s AND r.key = n.key AND r.revision = n.newest "
    "WHERE r.value IS NOT NULL ORDER BY r.key"
)
NOW = (
    f"SELECT {KV_COLUMNS} FROM cluster_current c JOIN cluster_revision r "
    "ON r.cluster_id = c.cluster_id AND r.revision = c.mod_revision AND r.sub = c.sub "
    "WHERE c.cluster_id = %s AND "
)


class SqlStore:
    """`priority` says who goes first in the queue of SQLite's writers; see `ticket`."""

    def __init__(
        self,
        cluster: str = "main",
        hints: HintSink | None = None,
        priority: Priority = "batch",
        using: str = "default",
    ) -> None:
        self._cluster = cluster
        self._hints = hints
        self._using = using
        connection = connections[using]
        self._dialect: Dialect = dialect_of(connection.vendor)
        name = str(connection.settings_dict["NAME"])
        self._ticket = ticket_for(connection.vendor, name, priority)
        self._id = self._find_or_create()
        self._epoch = self._counters()[0]
        self._alarms = 0

    def _find_or_create(self) -> int:
        from cluster.models import Cluster

        with self._ticket.hold():
            return Cluster.objects.using(self._using).get_or_create(name=self._cluster)[0].pk

    @property
    def cluster(self) -> str:
        return self._cluster

    @property
    def epoch(self) -> int:
        return self._epoch

    def newest_epoch(self) -> int:
        """Asked of the database, not remembered."""
        return self._counters()[0]

    # ---- reading

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def _counters(self) -> tuple[int, int, int]:
        sql = "SELECT epoch, revision, compacted FROM cluster_cluster WHERE id = %s"
        ((epoch, revision, compacted),) = self._rows(sql, [self._id])
        self._epoch = epoch
        return epoch, revision, compacted

    def revision(self) -> int:
        return self._counters()[1]

    def compacted(self) -> int:
        return self._counters()[2]

    def get(self, key: bytes, revision: int = 0) -> KeyValue | None:
        if revision:
            found = self.range(key, key + b"\x00", revision=revision).kvs
            return found[0] if found else None
        rows = self._rows(NOW + "c.key = %s", [self._id, key])
        return _key_value(rows[0]) if rows else None

    def range(self, start: bytes, end: bytes, *, limit: int = 0, revision: int = 0) -> RangeResult:
        with self._reading():
            _, latest, compacted = self._counters()
            if revision > latest:
                raise FutureRevisionError
            if revision and revision < compacted:
                raise CompactedError(compacted)
            if revision and revision != latest:
                kvs = self._range_at(start, end, revision)
                count = len(kvs)
                kvs = kvs[:limit] if limit else kvs
            else:
                kvs, count = self._range_now(start, end, limit)
        return RangeResult(kvs, revision or latest, count > len(kvs), count)

    def _range_now(self, start: bytes, end: bytes, limit: int) -> tuple[list[KeyValue], int]:
        sql = NOW + "c.key >= %s AND c.key < %s ORDER BY c.key"
        parameters: list[Any] = [self._id, start, end]
        if limit:
            sql += " LIMIT %s"
            parameters.append(limit)
        kvs = [_key_value(row) for row in self._rows(sql, parameters)]
        if not limit or len(kvs) < limit:
            return kvs, len(kvs)
        sql = (
            "SELECT COUNT(*) FROM cluster_current WHERE cluster_id = %s AND key >= %s AND key < %s"
        )
        return kvs, self._rows(sql, [self._id, start, end])[0][0]

    def _range_at(self, start: bytes, end: bytes, revision: int) -> list[KeyValue]:
        parameters = [self._id, start, end, revision, self._id]
        return [_key_value(row) for row in self._rows(AS_OF, parameters)]

    def events(
        self, after: int, *, limit: int = 0, start: bytes = b"", end: bytes = b"",
        previous: bool = False,
    ) -> list[Event]:  # fmt: skip
        with self._reading():
            compacted = self._counters()[2]
            if after < compacted:
                raise CompactedError(compacted)
            found = self._log(after, limit, start, end, previous)
            if not limit or len(found) <= limit:
                return found
            last = found[limit - 1].revision
            if found[limit].revision != last:
                return found[:limit]
            # Cut at `limit`, but never inside a revision.
            kept = [e for e in found if e.revision < last]
            rest = self._log(last - 1, 0, start, end, previous, last)
        return kept + rest

    def _log(
        self, after: int, limit: int, start: bytes, end: bytes, previous: bool, upto: int = 0
    ) -> list[Event]:
        """One more than `limit`, to know whether there are more."""
        columns, join = EVENT_COLUMNS, ""
        if previous:
            columns += ", p.value"
            join = (
                " LEFT JOIN cluster_revision p ON p.cluster_id = r.cluster_id "
                "AND p.key = r.key AND p.revision = r.previous_revision"
            )
        sql = (
            f"SELECT {columns} FROM cluster_revision r{join} "
            "WHERE r.cluster_id = %s AND r.revision > %s"
        )
        parameters: list[Any] = [self._id, after]
        if upto:
            sql += " AND r.revision <= %s"
            parameters.append(upto)
        if start or end:
            sql += " AND r.key >= %s AND r.key < %s"
            parameters += [start, end]
        sql += " ORDER BY r.revision, r.sub"
        if limit:
            sql += " LIMIT %s"
            parameters.append(limit + 1)
        return [_event(row) for row in self._rows(sql, parameters)]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One snapshot for several statements, without queueing for the right to write."""
        connection = connections[self._using]
        if connection.in_atomic_block:
            yield
            return
        self._dialect.begin_read(connection)
        try:
            yield
        finally:
            self._dialect.end_read(connection)

    # ---- writing

    @contextmanager
    def _writing(self) -> Iterator[tuple[int, int]]:
        """A write transaction that owns the counter row; yields (revision, compacted)."""
        with self._ticket.hold(), transaction.atomic(using=self._using):
            sql = "SELECT epoch, revision, compacted, alarms FROM cluster_cluster WHERE id = %s"
            ((self._epoch, revision, compacted, self._alarms),) = self._rows(
                sql + self._dialect.for_update, [self._id]
            )
            yield revision, compacted

    def commit(self, txns: Sequence[Txn], fence: Fence | None = None) -> list[TxnResult]:
        with self._writing() as (revision, _):
            self._check_fence(fence)
            batch = Batch(revision, self._current(touched(txns)), self._living(leases_of(txns)))
            results = [batch.apply(txn) for txn in txns]
            self._write(batch)
        self._hint(batch)
        return results

    def transact(self, decide: Callable[[], Txn]) -> TxnResult:
        with self._writing() as (revision, _):
            txn = decide()
            batch = Batch(revision, self._current(touched([txn])), self._living(leases_of([txn])))
            result = batch.apply(txn)
            self._write(batch)
        self._hint(batch)
        return result

    def _check_fence(self, fence: Fence | None) -> None:
        if fence is None:
            return
        sql = "SELECT token FROM cluster_fence WHERE cluster_id = %s AND component = %s"
        rows = self._rows(sql, [self._id, fence.component])
        if not rows or rows[0][0] != fence.token:
            raise FencedError

    def _current(self, keys: list[bytes]) -> dict[bytes, Row]:
        found: dict[bytes, Row] = {}
        for at in range(0, len(keys), KEYS_A_QUERY):
            part = keys[at : at + KEYS_A_QUERY]
            marks = ",".join(["%s"] * len(part))
            sql = (
                "SELECT key, create_revision, mod_revision, sub, version, lease "
                f"FROM cluster_current WHERE cluster_id = %s AND key IN ({marks})"
            )
            for key, *row in self._rows(sql, [self._id, *part]):
                found[bytes(key)] = Row(*row)
        return found

    def _living(self, leases: frozenset[int]) -> frozenset[int]:
        if not leases:
            return leases
        marks = ",".join(["%s"] * len(leases))
        sql = f"SELECT lease FROM cluster_lease WHERE cluster_id = %s AND lease IN ({marks})"
        return frozenset(row[0] for row in self._rows(sql, [self._id, *sorted(leases)]))

    def _write(self, batch: Batch) -> None:
        if not batch.log:
            return
        if self._alarms:
            refuse_puts(self._alarms, ((row[2], row[3]) for row in batch.log))
        connection = connections[self._using]
        with connection.cursor() as cursor:
            self._dialect.append_log(cursor, self._id, batch.log)
            self._dialect.set_current(cursor, self._id, batch.changed)
            cursor.execute(
                "UPDATE cluster_cluster SET revision = %s WHERE id = %s",
                [batch.revision, self._id],
            )

    def _hint(self, batch: Batch) -> None:
        if batch.log and self._hints is not None:
            keys = tuple(row[2] for row in batch.log)
            self._hints(Hint(self._cluster, self._epoch, batch.revision, keys))

    def compact(self, revision: int) -> None:
        with self._writing() as (latest, compacted):
            if revision <= compacted:
                raise CompactedError(compacted)
            if revision > latest:
                raise FutureRevisionError
            with connections[self._using].cursor() as cursor:
                for statement in (COMPACT_REPLACED, COMPACT_DELETED):
                    cursor.execute(statement, [self._id, compacted, revision])
                cursor.execute(
                    "UPDATE cluster_cluster SET compacted = %s WHERE id = %s",
                    [revision, self._id],
                )

    # ---- leases and fences

    def grant(self, ttl: int, now: float, lease_id: int = 0) -> Lease:
        with self._writing():
            if not lease_id:
                sql = "SELECT COALESCE(MAX(lease), %s) FROM cluster_lease WHERE cluster_id = %s"
                lease_id = self._rows(sql, [0x694D_0000_0000_0000, self._id])[0][0] + 1
            with connections[self._using].cursor() as cursor:
                cursor.execute(
                    "INSERT INTO cluster_lease (cluster_id, lease, ttl, granted_at, expires_at) "
                    "VALUES (%s, %s, %s, %s, %s)",
                    [self._id, lease_id, ttl, now, now + ttl],
                )
        return Lease(lease_id, ttl, now, now + ttl)

    def revoke(self, lease_id: int, origin: Origin = NOBODY) -> int:
        with self._writing() as (revision, _):
            if not self._living(frozenset({lease_id})):
                raise LeaseNotFoundError
            keys = self._attached(lease_id)
            batch = Batch(revision, self._current(keys), frozenset())
            result = batch.apply(Txn((), tuple(Delete(k) for k in keys), origin))
            self._write(batch)
            with connections[self._using].cursor() as cursor:
                cursor.execute(
                    "DELETE FROM cluster_lease WHERE cluster_id = %s AND lease = %s",
                    [self._id, lease_id],
                )
        self._hint(batch)
        return result.revision

    def _attached(self, lease_id: int) -> list[bytes]:
        sql = (
            "SELECT key FROM cluster_current WHERE cluster_id = %s AND lease = %s AND lease <> 0 "
            "ORDER BY key"
        )
        return [bytes(row[0]) for row in self._rows(sql, [self._id, lease_id])]

    def keep_alive(self, lease_id: int, now: float) -> Lease:
        with self._writing():
            found = self.lease(lease_id)
            if found is None:
                raise LeaseNotFoundError
            renewed = replace(found, granted_at=now, expires_at=now + found.ttl)
            with connections[self._using].cursor() as cursor:
                cursor.execute(
                    "UPDATE cluster_lease SET granted_at = %s, expires_at = %s "
                    "WHERE cluster_id = %s AND lease = %s",
                    [now, now + found.ttl, self._id, lease_id],
                )
        return renewed

    def lease(self, lease_id: int) -> Lease | None:
        sql = (
            "SELECT lease, ttl, granted_at, expires_at FROM cluster_lease "
            "WHERE cluster_id = %s AND lease = %s"
        )
        rows = self._rows(sql, [self._id, lease_id])
        if not rows:
            return None
        found, ttl, granted, expires = rows[0]
        return Lease(found, ttl, granted, expires, tuple(self._attached(lease_id)))

    def leases(self) -> list[Lease]:
        sql = "SELECT lease FROM cluster_lease WHERE cluster_id = %s ORDER BY lease"
        ids = [row[0] for row in self._rows(sql, [self._id])]
        return [found for i in ids if (found := self.lease(i)) is not None]

    def expired(self, now: float) -> list[int]:
        sql = (
            "SELECT lease FROM cluster_lease WHERE cluster_id = %s AND expires_at <= %s "
            "ORDER BY lease"
        )
        return [row[0] for row in self._rows(sql, [self._id, now])]

    def next_expiry(self) -> float | None:
        sql = "SELECT MIN(expires_at) FROM cluster_lease WHERE cluster_id = %s"
        found: float | None = self._rows(sql, [self._id])[0][0]
        return found

    def acquire_fence(self, component: str) -> Fence:
        with self._writing(), connections[self._using].cursor() as cursor:
            cursor.execute(
                "INSERT INTO cluster_fence (cluster_id, component, token) VALUES (%s, %s, 1) "
                "ON CONFLICT (cluster_id, component) DO UPDATE "
                "SET token = cluster_fence.token + 1 RETURNING token",
                [self._id, component],
            )
            token: int = cursor.fetchone()[0]
        return Fence(component, token)


def _key_value(row: tuple[Any, ...]) -> KeyValue:
    key, value, *numbers = row
    return KeyValue(bytes(key), bytes(value), *numbers)


def _event(row: tuple[Any, ...]) -> Event:
    (revision, sub, key, value, created, version, lease, before, component, reconcile, cause,
     *rest) = row  # fmt: skip
    return Event(
        revision, sub, bytes(key), None if value is None else bytes(value), created, version,
        lease, before, bytes(rest[0]) if rest and rest[0] is not None else None,
        Origin(component, reconcile, cause),
    )  # fmt: skip
