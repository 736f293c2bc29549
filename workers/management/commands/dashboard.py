"""`manage.py dashboard`: Daphne with dashboard, admin and websocket. Started by `up`."""

from __future__ import annotations

from typing import Any

from daphne.cli import CommandLineInterface
from django.conf import settings
from django.core.management.base import BaseCommand

from workers import garbage, lifeline


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Serve the dashboard on ORRERY_PORT. Started by `up`."

    def handle(self, *args: Any, **options: Any) -> None:
        lifeline.hold()
        garbage.tune()
        CommandLineInterface().run(
            [
                *("-b", settings.HOST, "-p", str(settings.PORT), "-v", "0"),
                *("--application-close-timeout", "2", "cluster.asgi:application"),
            ]
        )
