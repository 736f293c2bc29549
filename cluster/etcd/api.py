"""The store's contract: what every driver does, in etcd's own terms.

One revision counter a cluster. A transaction changes any number of keys at one revision (`sub`
orders them); many transactions may be committed together. The log holds the bodies; current rows
point into it. Keys compare bytewise. A deleted key leaves a tombstone event in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Origin(NamedTuple):
    """Who wrote a revision, and because of what: the thread the causal trace follows.

    component: `kube-scheduler`, `replicaset-controller`, a user name...
    reconcile: the key that was being reconciled, or the request's verb and path.
    cause: the revision that made the component act; 0 when nothing in the log did.
    """

    component: str = ""
    reconcile: str = ""
    cause: int = 0


NOBODY = Origin()


class KeyValue(NamedTuple):
    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int = 0


class Event(NamedTuple):
    """One change in the log. `value` is None for a deletion; `previous` is the value before the
    change (None if there was none, or it was not asked for)."""

    revision: int
    sub: int
    key: bytes
    value: bytes | None
    create_revision: int
    version: int
    lease: int = 0
    previous_revision: int = 0
    previous: bytes | None = None
    origin: Origin = NOBODY


class Put(NamedTuple):
    key: bytes
    value: bytes
    lease: int = 0


class Delete(NamedTuple):
    key: bytes


class Guard(NamedTuple):
    """The transaction holds only if `key` has this mod_revision now; 0 means: does not exist."""

    key: bytes
    mod_revision: int


class Txn(NamedTuple):
    """All guards hold -> all ops happen at one new revision; else nothing happens."""

    guards: tuple[Guard, ...]
    ops: tuple[Put | Delete, ...]
    origin: Origin = NOBODY


class TxnResult(NamedTuple):
    """`revision` is the new one on success; on failure `failed` is the first guard that did not
    hold and `actual` that key's mod_revision (0: absent). Deleting absent keys succeeds without a
    revision of its own (revision stays the store's current one), as in etcd."""

    ok: bool
    revision: int
    failed: Guard | None = None
    actual: int = 0


@dataclass(frozen=True, slots=True)
class RangeResult:
    kvs: list[KeyValue]
    revision: int
    more: bool
    count: int


@dataclass(frozen=True, slots=True)
class Lease:
    id: int
    ttl: int
    granted_at: float
    expires_at: float
    keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Fence:
    """A component's claim to be the one running: `commit` refuses a token that is not current."""

    component: str
    token: int


@dataclass(frozen=True, slots=True)
class Hint:
    """«There are revisions up to `revision` now.» May be lost; the log is the truth."""

    cluster: str
    epoch: int
    revision: int
    keys: tuple[bytes, ...] = field(default=(), repr=False)


HintSink = Callable[[Hint], None]


class CompactedError(Exception):
    """The revision asked for is older than the last compaction."""

    def __init__(self, compacted: int) -> None:
        super().__init__("mvcc: required revision has been compacted")
        self.compacted = compacted


class FutureRevisionError(Exception):
    def __init__(self) -> None:
        super().__init__("mvcc: required revision is a future revision")


class LeaseNotFoundError(Exception):
    def __init__(self) -> None:
        super().__init__("etcdserver: requested lease not found")


class NoSpaceError(Exception):
    """The NOSPACE alarm is raised: nothing is put until it is disarmed."""

    def __init__(self) -> None:
        super().__init__("etcdserver: mvcc: database space exceeded")


class FencedError(Exception):
    """A later run of the same component holds the token; this one must stop without writing."""


class Store(Protocol):
    """A driver. All methods are synchronous and safe to call from several threads."""

    @property
    def cluster(self) -> str: ...

    @property
    def epoch(self) -> int:
        """Raised by a restore; everything cached under an older epoch is void."""
        ...

    def revision(self) -> int:
        """The newest committed revision, by whichever process; 1 for an empty store."""
        ...

    def compacted(self) -> int:
        """The revision of the last compaction; 0 before the first."""
        ...

    def get(self, key: bytes, revision: int = 0) -> KeyValue | None:
        """The key as it is now, or as it was at `revision`.

        Raises CompactedError, FutureRevisionError.
        """
        ...

    def range(self, start: bytes, end: bytes, *, limit: int = 0, revision: int = 0) -> RangeResult:
        """Keys in [start, end) in byte order; `count` is the number without `limit`."""
        ...

    def commit(self, txns: Sequence[Txn], fence: Fence | None = None) -> list[TxnResult]:
        """Group commit: each transaction in turn sees those before it; one that fails changes
        nothing and does not stop the others. Raises FencedError and writes nothing at all."""
        ...

    def transact(self, decide: Callable[[], Txn]) -> TxnResult:
        """Commit what `decide` makes of the store while nobody else writes: it may read and sees
        the newest revision. For conditions that guards cannot say."""
        ...

    def events(
        self,
        after: int,
        *,
        limit: int = 0,
        start: bytes = b"",
        end: bytes = b"",
        previous: bool = False,
    ) -> list[Event]:
        """The log with revision > `after`, in order (restricted to [start, end) if given);
        `limit` never cuts a revision in two. Raises CompactedError."""
        ...

    def compact(self, revision: int) -> None:
        """Forget history up to `revision`; current values stay. Raises CompactedError when it was
        compacted already, FutureRevisionError."""
        ...

    def grant(self, ttl: int, now: float, lease_id: int = 0) -> Lease: ...

    def revoke(self, lease_id: int, origin: Origin = NOBODY) -> int:
        """Delete the lease and all its keys in one revision; returns the revision."""
        ...

    def keep_alive(self, lease_id: int, now: float) -> Lease: ...

    def lease(self, lease_id: int) -> Lease | None: ...

    def leases(self) -> list[Lease]: ...

    def expired(self, now: float) -> list[int]:
        """Ids of leases whose time is up."""
        ...

    def next_expiry(self) -> float | None: ...

    def acquire_fence(self, component: str) -> Fence:
        """A new token for `component`; all earlier ones are void from now on."""
        ...


def prefix_end(prefix: bytes) -> bytes:
    """The end of the range of all keys with `prefix`, as clientv3.GetPrefixRangeEnd."""
    for at in range(len(prefix) - 1, -1, -1):
        if prefix[at] < 0xFF:
            return prefix[:at] + bytes([prefix[at] + 1])
    return b"\x00"
