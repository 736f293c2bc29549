"""SQLite's write-ahead log goes back into the database in a thread of its own.

Left to SQLite, whoever commits the thousandth page does it, and waits for the disk while everybody
else waits for them: a create during a rollout stood behind it for 60 ms and more.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

from cluster.etcd.ticket import Ticket

log = logging.getLogger(__name__)

INTERVAL = 1.0  # wall seconds
WORTH_IT = 4 << 20  # bytes of log
TOO_LONG = 256 << 20  # from here on writers wait until the log starts over


class Checkpoints:
    """`database` is SQLite's file. `start` does nothing for other databases."""

    def __init__(self, database: Path) -> None:
        self._log = database.with_name(database.name + "-wal")
        self._ticket = Ticket(database.parent, "batch")
        self._stopped = threading.Event()

    def start(self) -> None:
        if connection.vendor == "sqlite":
            threading.Thread(target=self._run, name="checkpoints", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            try:
                self.look()
            except DatabaseError as error:
                log.warning("no checkpoint: %s", error)

    def look(self) -> None:
        """Checkpoint if it is worth it. A passive one holds nobody up."""
        try:
            size = self._log.stat().st_size
        except FileNotFoundError:
            return
        if size >= TOO_LONG:
            with self._ticket.hold():
                self._checkpoint("TRUNCATE")
        elif size >= WORTH_IT:
            self._checkpoint("PASSIVE")

    @staticmethod
    def _checkpoint(mode: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA wal_checkpoint({mode})")
