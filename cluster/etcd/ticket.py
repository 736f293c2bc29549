"""Whose turn it is to write to SQLite: a fair ticket between processes and threads.

SQLite lets one writer in and has the others poll. Here writers queue on file locks instead: all
take `write`, and batches take `batch` before it, so that at most one batch stands in the queue
and an API request waits for no more than the transaction under way.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Priority = Literal["api", "batch"]


class Ticket:
    """`folder` must be the same for all processes that share the database."""

    def __init__(self, folder: Path, priority: Priority) -> None:
        self._paths = [folder / "write.lock"]
        if priority == "batch":
            self._paths.insert(0, folder / "batch.lock")
        self._local = threading.local()

    def _files(self) -> list[int]:
        """Each thread has descriptors of its own: flock counts per open file."""
        files: list[int] | None = getattr(self._local, "files", None)
        if files is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            files = self._local.files = [os.open(path, flags, 0o600) for path in self._paths]
        return files

    @contextmanager
    def hold(self) -> Iterator[None]:
        files = self._files()
        for file in files:
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            for file in reversed(files):
                fcntl.flock(file, fcntl.LOCK_UN)


class ThreadTicket:
    """A database in memory belongs to one process: its threads queue on a lock."""

    _lock = threading.Lock()

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._lock:
            yield


class NoTicket:
    """PostgreSQL queues writers on the counter row itself."""

    @contextmanager
    def hold(self) -> Iterator[None]:
        yield


def ticket_for(vendor: str, database: str, priority: Priority) -> Ticket | ThreadTicket | NoTicket:
    """`database` is SQLite's file name."""
    if vendor != "sqlite":
        return NoTicket()
    if database == ":memory:" or "mode=memory" in database:
        return ThreadTicket()
    return Ticket(Path(database).parent, priority)
