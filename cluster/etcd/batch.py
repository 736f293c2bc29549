"""Many transactions against a snapshot of the keys they touch: what the SQL driver will write.

Pure: no database here. The same rules as the in-memory driver's, on rows instead of dicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cluster.etcd.api import LeaseNotFoundError, Origin, Put, Txn, TxnResult


@dataclass(frozen=True, slots=True)
class Row:
    """A Current row."""

    create_revision: int
    mod_revision: int
    sub: int
    version: int
    lease: int


LogRow = tuple[int, int, bytes, bytes | None, int, int, int, int, str, str, int]


@dataclass(slots=True)
class Batch:
    """`log` rows in order (revision, sub, key, value, create_revision, version, lease,
    previous_revision, component, reconcile, cause); `changed`: final rows by key, None if gone."""

    revision: int
    rows: Mapping[bytes, Row]
    leases: frozenset[int]
    log: list[LogRow] = field(default_factory=list)
    changed: dict[bytes, Row | None] = field(default_factory=dict)

    def _row(self, key: bytes) -> Row | None:
        return self.changed[key] if key in self.changed else self.rows.get(key)

    def apply(self, txn: Txn) -> TxnResult:
        for guard in txn.guards:
            row = self._row(guard.key)
            actual = row.mod_revision if row else 0
            if actual != guard.mod_revision:
                return TxnResult(False, self.revision, guard, actual)
        for op in txn.ops:
            if isinstance(op, Put) and op.lease and op.lease not in self.leases:
                raise LeaseNotFoundError
        revision, sub = self.revision + 1, 0
        for op in txn.ops:
            if isinstance(op, Put):
                self._put(op, revision, sub, txn.origin)
                sub += 1
            elif (old := self._row(op.key)) is not None:
                self._delete(op.key, old, revision, sub, txn.origin)
                sub += 1
        if sub:
            self.revision = revision
        return TxnResult(True, self.revision)

    def _put(self, op: Put, revision: int, sub: int, origin: Origin) -> None:
        old = self._row(op.key)
        created = old.create_revision if old else revision
        version = old.version + 1 if old else 1
        self.changed[op.key] = Row(created, revision, sub, version, op.lease)
        self._log(
            revision, sub, op.key, op.value, created, version, op.lease,
            old.mod_revision if old else 0, origin,
        )  # fmt: skip

    def _delete(self, key: bytes, old: Row, revision: int, sub: int, origin: Origin) -> None:
        self.changed[key] = None
        self._log(revision, sub, key, None, 0, 0, 0, old.mod_revision, origin)

    def _log(
        self, revision: int, sub: int, key: bytes, value: bytes | None, created: int,
        version: int, lease: int, previous: int, origin: Origin,
    ) -> None:  # fmt: skip
        self.log.append(
            (revision, sub, key, value, created, version, lease, previous,
             origin.component[:253], origin.reconcile[:512], origin.cause)
        )  # fmt: skip


def touched(txns: Sequence[Txn]) -> list[bytes]:
    """Every key a batch reads or writes, once."""
    keys: dict[bytes, None] = {}
    for txn in txns:
        for guard in txn.guards:
            keys[guard.key] = None
        for op in txn.ops:
            keys[op.key] = None
    return list(keys)


def leases_of(txns: Sequence[Txn]) -> frozenset[int]:
    return frozenset(op.lease for txn in txns for op in txn.ops if isinstance(op, Put) and op.lease)
