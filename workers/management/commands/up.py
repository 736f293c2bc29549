"""`manage.py up`: a whole cluster in the foreground, from an empty folder on."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workers.foreground import StartError, run
from workers.instance import Instance, InstanceError
from workers.shape import add_shape_arguments
from workers.valkey import ValkeyError


class Command(BaseCommand):
    help = "Set up and run everything in the foreground; Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_shape_arguments(parser)
        parser.add_argument("--fresh", action="store_true", help="forget the old cluster first")

    def handle(self, *args: Any, **options: Any) -> None:
        instance = Instance(settings.DATA_DIR)
        try:
            instance.enter()
            try:
                run(instance, options, self._say)
            finally:
                instance.leave()
        except (InstanceError, StartError, ValkeyError) as error:
            sys.stderr.write(f"orrery: {error}\n")
            sys.exit(1)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
