"""The SQL driver with what snapshots and the care of the database need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections

from cluster.etcd.alarms import OWN_PREFIX
from cluster.etcd.api import Event, Hint, KeyValue, Origin, prefix_end
from cluster.etcd.archive import Content, Dump, LeaseTerms, Size, placed
from cluster.etcd.batch import LogRow, Row
from cluster.etcd.sql import SqlStore

ORIGIN = Origin("etcd", "snapshot restore")
PAGE = 2000  # rows at a time
TABLES = ("cluster_revision", "cluster_current", "cluster_lease")
NEXT = (
    "SELECT revision, sub, key, value, create_revision, version, lease, previous_revision "
    "FROM cluster_revision WHERE cluster_id = %s AND "
    "(revision > %s OR (revision = %s AND sub > %s)) ORDER BY revision, sub LIMIT %s"
)


class SqlArchive(SqlStore):
    @contextmanager
    def dump(self) -> Iterator[Dump]:
        """In one read transaction: neither writes nor compactions are seen, nor held up."""
        with self._reading():
            _, revision, compacted = self._counters()
            sql = "SELECT lease, ttl FROM cluster_lease WHERE cluster_id = %s ORDER BY lease"
            leases = [LeaseTerms(*row) for row in self._rows(sql, [self._id])]
            yield Dump(revision, compacted, leases, self._log_left)

    def _log_left(self) -> Iterator[Event]:
        revision, sub = 0, 0
        while True:
            rows = self._rows(NEXT, [self._id, revision, revision, sub, PAGE])
            for row in rows:
                key, value = bytes(row[2]), None if row[3] is None else bytes(row[3])
                yield Event(row[0], row[1], key, value, *row[4:])
            if len(rows) < PAGE:
                return
            revision, sub = rows[-1][:2]

    def restore(self, content: Content, now: float) -> int:
        with self._writing() as (latest, _):
            revision = max(latest, content.revision) + 1
            own = self.range(OWN_PREFIX, prefix_end(OWN_PREFIX)).kvs
            for table in TABLES:
                self._execute(f"DELETE FROM {table} WHERE cluster_id = %s", [self._id])
            self._insert(content.kvs)
            self._insert([kv._replace(mod_revision=revision) for kv in own])
            self._grant_all(content.leases, now)
            self._execute(
                "UPDATE cluster_cluster SET revision = %s, compacted = %s, epoch = epoch + 1, "
                "alarms = 0 WHERE id = %s",
                [revision, revision, self._id],
            )
            self._execute(
                "UPDATE cluster_fence SET token = token + 1 WHERE cluster_id = %s", [self._id]
            )
        self._counters()
        if self._hints is not None:
            self._hints(Hint(self._cluster, self._epoch, revision))
        return revision

    def _execute(self, sql: str, parameters: Sequence[Any]) -> None:
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, parameters)

    def _insert(self, kvs: Sequence[KeyValue]) -> None:
        log: list[LogRow] = []
        current: dict[bytes, Row | None] = {}
        for kv, sub in placed(kvs):
            revision = kv.mod_revision
            log.append(
                (revision, sub, kv.key, kv.value, kv.create_revision, kv.version, kv.lease, 0,
                 ORIGIN.component, ORIGIN.reconcile, 0)
            )  # fmt: skip
            current[kv.key] = Row(kv.create_revision, revision, sub, kv.version, kv.lease)
        if not log:
            return
        with connections[self._using].cursor() as cursor:
            self._dialect.append_log(cursor, self._id, log)
            self._dialect.set_current(cursor, self._id, current)

    def _grant_all(self, leases: Sequence[LeaseTerms], now: float) -> None:
        with connections[self._using].cursor() as cursor:
            cursor.executemany(
                "INSERT INTO cluster_lease (cluster_id, lease, ttl, granted_at, expires_at) "
                "VALUES (%s, %s, %s, %s, %s)",
                [(self._id, lease.id, lease.ttl, now, now + lease.ttl) for lease in leases],
            )

    # ---- care

    def size(self) -> Size:
        if connections[self._using].vendor == "sqlite":
            ((pages,),) = self._rows("PRAGMA page_count", [])
            ((free,),) = self._rows("PRAGMA freelist_count", [])
            ((page,),) = self._rows("PRAGMA page_size", [])
            return Size(pages * page, (pages - free) * page)
        sums = " + ".join(f"pg_total_relation_size('{table}')" for table in TABLES)
        ((total,),) = self._rows(f"SELECT {sums}", [])
        return Size(total, total)

    def defragment(self) -> None:
        with self._ticket.hold():
            if connections[self._using].vendor == "sqlite":
                self._execute("VACUUM", [])
                self._rows("PRAGMA wal_checkpoint(TRUNCATE)", [])
                return
            for table in TABLES:
                self._execute(f"VACUUM {table}", [])

    def alarms(self) -> int:
        sql = "SELECT alarms FROM cluster_cluster WHERE id = %s"
        found: int = self._rows(sql, [self._id])[0][0]
        return found

    def set_alarms(self, alarms: int) -> None:
        with self._writing():
            self._execute(
                "UPDATE cluster_cluster SET alarms = %s WHERE id = %s", [alarms, self._id]
            )
