"""The in-memory driver with what snapshots and the care of the database need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cluster.etcd.alarms import OWN_PREFIX
from cluster.etcd.api import Event, Hint, KeyValue
from cluster.etcd.archive import Content, Dump, LeaseTerms, Size, placed
from cluster.etcd.memory import MemoryStore


class MemoryArchive(MemoryStore):
    @contextmanager
    def dump(self) -> Iterator[Dump]:
        with self._lock:
            leases = [LeaseTerms(lease.id, lease.ttl) for lease in self.leases()]
            log = list(self._log)
            found = Dump(self._revision, self._compacted, leases, lambda: iter(log))
        yield found

    def restore(self, content: Content, now: float) -> int:
        with self._lock:
            own = [kv for kv in self._current.values() if kv.key.startswith(OWN_PREFIX)]
            revision = max(self._revision, content.revision) + 1
            self._forget()
            for lease in content.leases:
                self.grant(lease.ttl, now, lease.id)
            kvs = [*content.kvs, *(kv._replace(mod_revision=revision) for kv in own)]
            for kv, sub in placed(kvs):
                self._log.append(_put_of(kv, sub))
                self._current[kv.key] = kv
                if kv.lease in self._lease_keys:
                    self._lease_keys[kv.lease][kv.key] = None
            self._log.sort(key=lambda e: (e.revision, e.sub))
            self._revisions = [e.revision for e in self._log]
            self._keys = sorted(self._current)
            self._revision = self._compacted = revision
            self._epoch += 1
            hint = Hint(self._cluster, self._epoch, revision)
        if self._hints is not None:
            self._hints(hint)
        return revision

    def _forget(self) -> None:
        self._log.clear()
        self._revisions.clear()
        self._current.clear()
        self._keys.clear()
        self._leases.clear()
        self._lease_keys.clear()
        self._alarms = 0
        self._fences = {component: token + 1 for component, token in self._fences.items()}

    def size(self) -> Size:
        """An estimate: what the log holds."""
        with self._lock:
            total = sum(len(e.key) + len(e.value or b"") + 64 for e in self._log)
        return Size(total, total)

    def defragment(self) -> None:
        """There is nothing to give back."""

    def alarms(self) -> int:
        return self._alarms

    def set_alarms(self, alarms: int) -> None:
        with self._lock:
            self._alarms = alarms


def _put_of(kv: KeyValue, sub: int) -> Event:
    return Event(kv.mod_revision, sub, kv.key, kv.value, kv.create_revision, kv.version, kv.lease)
