"""`manage.py prepare`: tables, certificates, and the cluster's first objects. Done by `up`."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from cluster.machinery import pki
from cluster.machinery.errors import StatusError
from workers.addresses import api_url
from workers.shape import add_shape_arguments, given_shape
from workers.tokens import ensure_tokens


class Command(BaseCommand):
    help = "Migrate, make the PKI and the cluster's first objects. Done by `up` at every start."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_shape_arguments(parser)
        parser.add_argument("--fresh", action="store_true", help="forget the old cluster first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _secret_key()
            call_command("migrate", interactive=False, verbosity=0)
            if options["fresh"]:
                _forget()
            pki.ensure(settings.DATA_DIR / "pki", datetime.now(UTC))
            ensure_tokens(settings.DATA_DIR / "pki" / "tokens.csv")
            for line in _objects(options):
                self.stdout.write(line)
        except pki.PkiError as error:
            raise CommandError(str(error)) from error
        except StatusError as error:
            raise CommandError(f"the cluster cannot be set up: {error.message}") from error
        except DatabaseError as error:
            name = settings.DATABASES["default"]["NAME"]
            why = str(error).strip().partition("\n")[0]
            raise CommandError(f"the database {name} cannot be used: {why}") from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error


def _secret_key() -> None:
    path = settings.DATA_DIR / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))


def _forget() -> None:
    """What is not a file of the data folder: a database server's tables, and Redis."""
    from workers.wiring import switchboard

    call_command("flush", interactive=False, verbosity=0)
    switchboard().forget()


def _objects(options: dict[str, Any]) -> list[str]:
    """Bootstrap a new cluster, or bring an old one to the size asked for."""
    from cluster.simulation.bootstrap import bootstrap, resize
    from cluster.simulation.trust import ensure_trust
    from workers.savedtime import resume_time
    from workers.wiring import connect

    live = connect()
    client = live.client("system:orrery:bootstrap")
    resume_time(client, settings.DATA_DIR / "clock")
    live.follow_clock()
    shape = given_shape(options)
    new = bootstrap(client, shape)
    authority = (settings.DATA_DIR / "pki" / "ca.crt").read_text()
    ensure_trust(client, authority, api_url())
    if new:
        return []
    if options["nodes"] is None:
        return []
    added, removed = resize(client, shape)
    lines = [f"node {name} added" for name in added]
    return lines + [f"node {name} drained and removed" for name in removed]
