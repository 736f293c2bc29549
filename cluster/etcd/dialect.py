"""Where SQLite and PostgreSQL want different statements for the same thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cluster.etcd.batch import LogRow, Row

LOG_COLUMNS = (
    "cluster_id, revision, sub, key, value, create_revision, version, lease, previous_revision, "
    "component, reconcile, cause"
)
CURRENT_COLUMNS = "cluster_id, key, create_revision, mod_revision, sub, version, lease"
UPSERT = (
    " ON CONFLICT (cluster_id, key) DO UPDATE SET create_revision = excluded.create_revision, "
    "mod_revision = excluded.mod_revision, sub = excluded.sub, version = excluded.version, "
    "lease = excluded.lease"
)
# Of what changed in (compacted, revision]: what each change replaced, and the deletions. The rest
# was gone through before, so this costs what changed, however much is stored.
COMPACT_REPLACED = (
    "DELETE FROM cluster_revision WHERE id IN ("
    "SELECT p.id FROM cluster_revision n JOIN cluster_revision p "
    "ON p.cluster_id = n.cluster_id AND p.key = n.key AND p.revision = n.previous_revision "
    "WHERE n.cluster_id = %s AND n.revision > %s AND n.revision <= %s)"
)
COMPACT_DELETED = (
    "DELETE FROM cluster_revision WHERE cluster_id = %s AND revision > %s AND revision <= %s "
    "AND value IS NULL"
)


class Dialect(Protocol):
    for_update: str

    def begin_read(self, connection: Any) -> None: ...

    def end_read(self, connection: Any) -> None: ...

    def append_log(self, cursor: Any, cluster: int, rows: Sequence[LogRow]) -> None: ...

    def set_current(
        self, cursor: Any, cluster: int, changed: Mapping[bytes, Row | None]
    ) -> None: ...


def _upserts(cluster: int, changed: Mapping[bytes, Row | None]) -> list[tuple[Any, ...]]:
    return [
        (cluster, key, r.create_revision, r.mod_revision, r.sub, r.version, r.lease)
        for key, r in changed.items()
        if r is not None
    ]


def _deletes(cluster: int, changed: Mapping[bytes, Row | None]) -> list[tuple[Any, ...]]:
    return [(cluster, key) for key, row in changed.items() if row is None]


class Sqlite:
    """Straight to the sqlite3 cursor for bulk rows: Django's rewriting of %s costs more than the
    insert itself."""

    for_update = ""
    _insert = f"INSERT INTO cluster_revision ({LOG_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
    _upsert = f"INSERT INTO cluster_current ({CURRENT_COLUMNS}) VALUES (?,?,?,?,?,?,?){UPSERT}"
    _delete = "DELETE FROM cluster_current WHERE cluster_id = ? AND key = ?"

    def begin_read(self, connection: Any) -> None:
        connection.ensure_connection()
        connection.connection.execute("BEGIN DEFERRED")

    def end_read(self, connection: Any) -> None:
        connection.connection.execute("COMMIT")

    def append_log(self, cursor: Any, cluster: int, rows: Sequence[LogRow]) -> None:
        raw = cursor.connection
        raw.executemany(self._insert, [(cluster, *row) for row in rows])

    def set_current(self, cursor: Any, cluster: int, changed: Mapping[bytes, Row | None]) -> None:
        raw = cursor.connection
        if upserts := _upserts(cluster, changed):
            raw.executemany(self._upsert, upserts)
        if deletes := _deletes(cluster, changed):
            raw.executemany(self._delete, deletes)


class Postgres:
    """COPY for the log; REPEATABLE READ gives a range and its revision one snapshot."""

    for_update = " FOR UPDATE"
    _upsert = (
        f"INSERT INTO cluster_current ({CURRENT_COLUMNS}) VALUES (%s,%s,%s,%s,%s,%s,%s){UPSERT}"
    )
    _delete = "DELETE FROM cluster_current WHERE cluster_id = %s AND key = %s"

    def begin_read(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def end_read(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")

    def append_log(self, cursor: Any, cluster: int, rows: Sequence[LogRow]) -> None:
        with cursor.copy(f"COPY cluster_revision ({LOG_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((cluster, *row))

    def set_current(self, cursor: Any, cluster: int, changed: Mapping[bytes, Row | None]) -> None:
        if upserts := _upserts(cluster, changed):
            cursor.executemany(self._upsert, upserts)
        if deletes := _deletes(cluster, changed):
            cursor.executemany(self._delete, deletes)


DIALECTS: dict[str, type[Dialect]] = {"sqlite": Sqlite, "postgresql": Postgres}


def dialect_of(vendor: str) -> Dialect:
    """Raises KeyError for a database we have no statements for."""
    return DIALECTS[vendor]()
