"""`manage.py etcd`: the etcd API (`serve`, started by `up`), and snapshots for when it is down."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from cluster.etcd.snapshot.check import SnapshotError, status
from workers import lifeline


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "The cluster's etcd: its API, and snapshots in etcd's own format."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("serve", help="serve the etcd v3 API on ORRERY_ETCD_PORT; done by `up`")
        snapshot = verbs.add_parser("snapshot", help="save, check or restore, running or not")
        actions = snapshot.add_subparsers(dest="action", required=True)
        actions.add_parser("save").add_argument("file", type=Path)
        look = actions.add_parser("status")
        look.add_argument("file", type=Path)
        look.add_argument("-w", "--write-out", default="simple", choices=["simple", "json"])
        restore = actions.add_parser("restore", help="bring the whole cluster back to it")
        restore.add_argument("file", type=Path)
        restore.add_argument("--skip-hash-check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "serve":
            self._serve()
            return
        try:
            getattr(self, f"_{options['action']}")(options["file"], options)
        except SnapshotError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"there is no cluster here ({error}); see ORRERY_DATA") from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def _serve(self) -> None:
        lifeline.hold()
        from workers import etcdwiring

        etcdwiring.run()

    def _save(self, file: Path, options: dict[str, Any]) -> None:
        from workers.snapshots import save

        revision = save(file)
        self.stdout.write(f"Snapshot saved at {file} (revision {revision})")

    def _status(self, file: Path, options: dict[str, Any]) -> None:
        found = status(file)
        if options["write_out"] == "json":
            fields = {
                "hash": found.hash,
                "revision": found.revision,
                "totalKey": found.total_key,
                "totalSize": found.total_size,
            }
            self.stdout.write(json.dumps(fields, separators=(",", ":")))
            return
        self.stdout.write(
            f"{found.hash:x}, {found.revision}, {found.total_key}, {found.total_size}"
        )

    def _restore(self, file: Path, options: dict[str, Any]) -> None:
        from workers.snapshots import restore

        revision = restore(file, options["skip_hash_check"])
        self.stdout.write(f"The cluster is back at {file}; its revision is {revision} now")
