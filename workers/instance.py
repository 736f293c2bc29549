"""A data folder in use: its lock, its ports, and what `--fresh` removes."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

# What Orrery itself puts into the folder; nothing else is ever removed.
OWN = (
    "orrery.sqlite3", "orrery.sqlite3-wal", "orrery.sqlite3-shm", "write.lock", "batch.lock",
    "secret-key", "clock", "kubeconfig", "pki", "logs", "valkey.sock",
    "etcd.sock",
)  # fmt: skip
PATIENCE = 5.0  # seconds in which children of a killed supervisor let go of their ports


class InstanceError(Exception):
    """Why it cannot start, in one line that says what to do."""


class Instance:
    """One supervisor a data folder: the lock goes with the process, so a stale one cannot be."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.logs = data / "logs"
        self.unclean = False
        self._pid = data / "orrery.pid"
        self._descriptor = -1

    def enter(self) -> None:
        """Make the folder and take the lock. Raises InstanceError."""
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self.data / "orrery.lock", flags, 0o600)
        except OSError as error:
            raise InstanceError(_cannot(self.data, error)) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InstanceError(self._busy()) from error
        self.unclean = self._pid.exists()
        self._make(self.logs)
        try:
            self._pid.write_text(f"{os.getpid()}\n")
        except OSError as error:
            raise InstanceError(_cannot(self._pid, error)) from error

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(exist_ok=True)
            (folder / ".writable").touch()
            (folder / ".writable").unlink()
        except OSError as error:
            raise InstanceError(_cannot(folder, error)) from error

    def _busy(self) -> str:
        with suppress(OSError):
            pid = self._pid.read_text().strip()
            return (
                f"Orrery runs in {self.data} already (process {pid}); "
                "another instance needs its own ORRERY_DATA and ports"
            )
        return f"Orrery runs in {self.data} already"

    def leave(self) -> None:
        self._pid.unlink(missing_ok=True)
        os.close(self._descriptor)

    def clear(self) -> None:
        """Remove what a cluster left here."""
        try:
            for name in OWN:
                path = self.data / name
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise InstanceError(_cannot(self.data, error)) from error
        self._make(self.logs)

    def check_port(self, host: str, port: int, what: str, variable: str) -> None:
        """Raises InstanceError when somebody has it."""
        end = time.monotonic() + (PATIENCE if self.unclean else 0)
        while (error := _try_port(host, port)) is not None:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise InstanceError(
                    f"port {port} for {what} cannot be used ({error.strerror}); "
                    f"choose another with {variable}"
                ) from error
            time.sleep(0.1)


def _try_port(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _cannot(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"the data folder cannot be used: {error.filename or path}: {reason} (see ORRERY_DATA)"
