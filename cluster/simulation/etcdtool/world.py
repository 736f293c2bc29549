"""What the tools reach: the store, the moment, the member's files, and its log."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from cluster.apiserver import writtenlogs
from cluster.etcd.archive import Archive
from cluster.etcd.snapshot.check import DIGEST
from cluster.etcd.snapshot.save import save
from cluster.machinery.clock import format_micro_time
from cluster.runtime.fs import Directory, File, Node

CERTIFICATES = "/var/lib/minikube/certs/etcd"
DATA = "/var/lib/minikube/etcd"
POD = ("kube-system", "etcd-minikube", "etcd")
NAMES = ("ca", "server", "peer", "healthcheck-client")
MEMBER = 0xAEC36ADC501070CC
CLUSTER = 0xFA54960EA34D58BE
PEER_URL = "https://192.168.49.2:2380"
CLIENT_URL = "https://192.168.49.2:2379"
VERSION = "3.6.6"
LARGEST = 60 * 1024 * 1024  # bytes of a database that a container's files can take in


@dataclass(slots=True)
class World:
    """`pki` is the folder with etcd's certificates, outside the cluster."""

    store: Archive
    now: Callable[[], float]
    pki: Path
    quota: int = 2 << 30

    def log(self, error: str, remote: str) -> None:
        """A connection that was rejected, in the words of the server."""
        now = self.now()
        fields = {
            "level": "warn",
            "ts": format_micro_time(now),
            "caller": "embed/config_logging.go:169",
            "msg": "rejected connection",
            "remote-addr": remote,
            "server-name": "",
            "error": error,
        }
        writtenlogs.append(self.store, *POD, writtenlogs.Line(now, orjson.dumps(fields).decode()))

    def snapshot(self) -> tuple[bytes, int]:
        """(a snapshot's content, its revision)."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "db"
            revision = save(self.store, path)
            return path.read_bytes(), revision

    # ---- the node's files

    def certificates(self) -> Directory:
        found: dict[str, Node] = {}
        for name in NAMES:
            for suffix, mode in (("crt", 0o644), ("key", 0o600)):
                path = self.pki / f"{name}.{suffix}"
                if path.exists():
                    found[path.name] = File(path.read_bytes(), mode, self.now())
        return Directory(found, 0o755, self.now())

    def member_files(self) -> Directory:
        """As a member's folder looks; the database is as it is when one looks into it."""
        now = self.now()
        snap: dict[str, Node] = {
            "0000000000000002-0000000000002711.snap": File(bytes(9800), 0o600, now),
            "db": File(b"", 0o600, now, self._database),
        }
        wal: dict[str, Node] = {
            "0.tmp": File(b"", 0o600, now),
            "0000000000000000-0000000000000000.wal": File(b"", 0o600, now),
        }
        member: dict[str, Node] = {
            "snap": Directory(snap, 0o700, now),
            "wal": Directory(wal, 0o700, now),
        }
        return Directory({"member": Directory(member, 0o700, now)}, 0o700, now)

    def _database(self) -> bytes:
        if self.store.size().used > LARGEST:
            return b""
        return self.snapshot()[0][:-DIGEST]
