"""Time to live of short-lived objects: one store lease serves all that are written close together.

Models k8s.io/apiserver/pkg/storage/etcd3/lease_manager.go: a lease is used again for 60 seconds
and at most a thousand objects, and lives that much longer than what is attached to it.
"""

from __future__ import annotations

from cluster.etcd.api import LeaseNotFoundError, Store

REUSE_SECONDS = 60
MAX_ATTACHED = 1000


class LeaseManager:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lease = 0
        self._ttl = 0
        self._reuse_until = 0.0
        self._attached = 0
        self._epoch = 0

    def lease_for(self, ttl: int, now: float) -> int:
        """The id of a lease that keeps a key alive for at least `ttl` seconds from `now`."""
        fresh = (
            self._lease
            and ttl == self._ttl
            and now < self._reuse_until
            and self._attached < MAX_ATTACHED
            and self._epoch == self._store.epoch
        )
        if not fresh:
            self._epoch = self._store.epoch
            self._lease = self._store.grant(ttl + REUSE_SECONDS, now).id
            self._ttl, self._reuse_until, self._attached = ttl, now + REUSE_SECONDS, 0
        self._attached += 1
        return self._lease


def expire(store: Store, now: float) -> int:
    """Revoke what has run out, as etcd's lessor does; returns how many leases went."""
    gone = 0
    for lease in store.expired(now):
        try:
            store.revoke(lease)
        except LeaseNotFoundError:
            continue  # another process was first
        gone += 1
    return gone
