"""`manage.py login-url`: a one-time login for the dashboard and the admin."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from dashboard.login import make_login_url


class Command(BaseCommand):
    help = "Print a link that logs in once, within ten minutes, to the dashboard and the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="admin", help="whom to log in (made if missing)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(make_login_url(settings.DASHBOARD_URL, options["user"]))
        except DatabaseError as error:
            hint = "has `manage.py up` been run with this ORRERY_DATA?"
            raise CommandError(f"no users in {settings.DATA_DIR} ({error}); {hint}") from error
