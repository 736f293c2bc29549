"""The in-memory driver: one process, virtual time, tests. Same contract as the SQL driver."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence

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
    Put,
    RangeResult,
    Txn,
    TxnResult,
)


class MemoryStore:
    """Current values in a dict with a sorted key list; the log in a list indexed by revision."""

    def __init__(self, cluster: str = "main", hints: HintSink | None = None) -> None:
        self._cluster = cluster
        self._hints = hints
        self._lock = threading.RLock()
        self._epoch = 1
        self._revision = 1
        self._compacted = 0
        self._current: dict[bytes, KeyValue] = {}
        self._keys: list[bytes] = []
        self._log: list[Event] = []
        self._revisions: list[int] = []  # revision of each log entry, for bisection
        self._leases: dict[int, Lease] = {}
        self._lease_keys: dict[int, dict[bytes, None]] = {}
        self._fences: dict[str, int] = {}
        self._alarms = 0

    @property
    def cluster(self) -> str:
        return self._cluster

    @property
    def epoch(self) -> int:
        return self._epoch

    def revision(self) -> int:
        return self._revision

    def compacted(self) -> int:
        return self._compacted

    def load(self, kvs: Sequence[KeyValue]) -> None:
        """Take over keys as they are in another store; they have no history here."""
        with self._lock:
            for kv in kvs:
                if kv.key not in self._current:
                    insort(self._keys, kv.key)
                self._current[kv.key] = kv
                self._revision = max(self._revision, kv.mod_revision)
            self._compacted = max(self._compacted, self._revision)

    # ---- reading

    def get(self, key: bytes, revision: int = 0) -> KeyValue | None:
        with self._lock:
            if not revision:
                return self._current.get(key)
            self._check(revision)
            for kv in self._at(revision, key, key + b"\x00"):
                return kv
            return None

    def range(self, start: bytes, end: bytes, *, limit: int = 0, revision: int = 0) -> RangeResult:
        with self._lock:
            if revision:
                self._check(revision)
                found = self._at(revision, start, end)
            else:
                low, high = bisect_left(self._keys, start), bisect_left(self._keys, end)
                found = [self._current[k] for k in self._keys[low:high]]
            count = len(found)
            if limit and count > limit:
                found = found[:limit]
            return RangeResult(found, revision or self._revision, count > len(found), count)

    def _check(self, revision: int) -> None:
        if revision > self._revision:
            raise FutureRevisionError
        if revision < self._compacted:
            raise CompactedError(self._compacted)

    def _at(self, revision: int, start: bytes, end: bytes) -> list[KeyValue]:
        """The range as it was: the log replayed up to `revision` (compaction keeps survivors)."""
        found: dict[bytes, KeyValue] = {}
        for event in self._log[: bisect_right(self._revisions, revision)]:
            if not start <= event.key < end:
                continue
            if event.value is None:
                found.pop(event.key, None)
            else:
                found[event.key] = KeyValue(
                    event.key,
                    event.value,
                    event.create_revision,
                    event.revision,
                    event.version,
                    event.lease,
                )
        return [found[k] for k in sorted(found)]

    def events(
        self,
        after: int,
        *,
        limit: int = 0,
        start: bytes = b"",
        end: bytes = b"",
        previous: bool = False,
    ) -> list[Event]:
        with self._lock:
            if after < self._compacted:
                raise CompactedError(self._compacted)
            low = bisect_right(self._revisions, after)
            high = len(self._log)
            if limit and high - low > limit:
                last = self._revisions[low + limit - 1]
                high = bisect_right(self._revisions, last)
            found = self._log[low:high]
            if start or end:
                found = [e for e in found if start <= e.key < end]
            return found

    # ---- writing

    def commit(self, txns: Sequence[Txn], fence: Fence | None = None) -> list[TxnResult]:
        with self._lock:
            if fence is not None and self._fences.get(fence.component) != fence.token:
                raise FencedError
            first = len(self._log)
            results = [self._apply(txn) for txn in txns]
            keys = tuple(e.key for e in self._log[first:])
            hint = Hint(self._cluster, self._epoch, self._revision, keys)
        if keys and self._hints is not None:
            self._hints(hint)
        return results

    def transact(self, decide: Callable[[], Txn]) -> TxnResult:
        with self._lock:
            return self.commit([decide()])[0]

    def _apply(self, txn: Txn) -> TxnResult:
        for guard in txn.guards:
            current = self._current.get(guard.key)
            actual = current.mod_revision if current else 0
            if actual != guard.mod_revision:
                return TxnResult(False, self._revision, guard, actual)
        for op in txn.ops:
            if isinstance(op, Put) and op.lease and op.lease not in self._leases:
                raise LeaseNotFoundError
        if self._alarms:
            puts = ((op.key, op.value) for op in txn.ops if isinstance(op, Put))
            refuse_puts(self._alarms, puts)
        revision, sub = self._revision + 1, 0
        for op in txn.ops:
            done = (
                self._put(op, revision, sub, txn.origin)
                if isinstance(op, Put)
                else self._delete(op, revision, sub, txn.origin)
            )
            sub += done
        if sub:
            self._revision = revision
        return TxnResult(True, self._revision)

    def _put(self, op: Put, revision: int, sub: int, origin: Origin) -> int:
        old = self._current.get(op.key)
        created = old.create_revision if old else revision
        version = old.version + 1 if old else 1
        if old is None:
            insort(self._keys, op.key)
        if old is not None and old.lease:
            self._lease_keys[old.lease].pop(op.key, None)
        if op.lease:
            self._lease_keys[op.lease][op.key] = None
        self._current[op.key] = KeyValue(op.key, op.value, created, revision, version, op.lease)
        self._append(
            Event(
                revision,
                sub,
                op.key,
                op.value,
                created,
                version,
                op.lease,
                old.mod_revision if old else 0,
                old.value if old else None,
                origin,
            )
        )
        return 1

    def _delete(self, op: Delete, revision: int, sub: int, origin: Origin) -> int:
        old = self._current.pop(op.key, None)
        if old is None:
            return 0
        del self._keys[bisect_left(self._keys, op.key)]
        if old.lease:
            self._lease_keys[old.lease].pop(op.key, None)
        self._append(
            Event(revision, sub, op.key, None, 0, 0, 0, old.mod_revision, old.value, origin)
        )
        return 1

    def _append(self, event: Event) -> None:
        self._log.append(event)
        self._revisions.append(event.revision)

    def compact(self, revision: int) -> None:
        with self._lock:
            if revision <= self._compacted:
                raise CompactedError(self._compacted)
            if revision > self._revision:
                raise FutureRevisionError
            cut = bisect_right(self._revisions, revision)
            alive = {e.key: e for e in self._log[:cut]}
            kept = [e for e in self._log[:cut] if e.value is not None and alive[e.key] is e]
            self._log[:cut] = kept
            self._revisions = [e.revision for e in self._log]
            self._compacted = revision

    # ---- leases

    def grant(self, ttl: int, now: float, lease_id: int = 0) -> Lease:
        with self._lock:
            lease_id = lease_id or max(self._leases, default=0x694D_0000_0000_0000) + 1
            self._leases[lease_id] = lease = Lease(lease_id, ttl, now, now + ttl)
            self._lease_keys[lease_id] = {}
            return lease

    def revoke(self, lease_id: int, origin: Origin = NOBODY) -> int:
        with self._lock:
            if self._leases.pop(lease_id, None) is None:
                raise LeaseNotFoundError
            keys = self._lease_keys.pop(lease_id)
            self._lease_keys[lease_id] = {}
            ops = tuple(Delete(k) for k in sorted(keys))
            result = self.commit([Txn((), ops, origin)])
            del self._lease_keys[lease_id]
            return result[0].revision

    def keep_alive(self, lease_id: int, now: float) -> Lease:
        with self._lock:
            old = self._leases.get(lease_id)
            if old is None:
                raise LeaseNotFoundError
            keys = tuple(sorted(self._lease_keys[lease_id]))
            self._leases[lease_id] = Lease(old.id, old.ttl, now, now + old.ttl)
            return Lease(old.id, old.ttl, now, now + old.ttl, keys)

    def lease(self, lease_id: int) -> Lease | None:
        with self._lock:
            found = self._leases.get(lease_id)
            if found is None:
                return None
            keys = tuple(sorted(self._lease_keys[lease_id]))
            return Lease(found.id, found.ttl, found.granted_at, found.expires_at, keys)

    def leases(self) -> list[Lease]:
        return [lease for i in sorted(self._leases) if (lease := self.lease(i))]

    def expired(self, now: float) -> list[int]:
        return sorted(i for i, lease in self._leases.items() if lease.expires_at <= now)

    def next_expiry(self) -> float | None:
        return min((lease.expires_at for lease in self._leases.values()), default=None)

    def acquire_fence(self, component: str) -> Fence:
        with self._lock:
            self._fences[component] = token = self._fences.get(component, 0) + 1
            return Fence(component, token)
