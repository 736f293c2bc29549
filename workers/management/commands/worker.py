"""`manage.py worker QUEUE...`: a Celery worker for components. Started by `up`."""

from __future__ import annotations

import os
import warnings
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workers import garbage, lifeline
from workers.celery import app
from workers.components import component_names

NICENESS = 10  # a rollout takes what it gets; requests are answered first


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Run a Celery worker (solo pool) for these components. Started by `up`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="+", metavar="QUEUE")

    def handle(self, *args: Any, **options: Any) -> None:
        queues: list[str] = options["queues"]
        if unknown := sorted(set(queues) - set(component_names())):
            names = ", ".join(component_names())
            raise CommandError(f"no component called {unknown[0]}; there are {names}")
        # Celery warns of root because pickled messages could run code; ours are JSON.
        warnings.filterwarnings("ignore", module="celery.platforms")
        lifeline.hold()
        os.nice(NICENESS)
        garbage.tune()
        app.worker_main(
            [
                *("--quiet", "worker", "--pool=solo", "--loglevel=WARNING"),
                *("-Q", ",".join(queues), "-n", f"{queues[0]}-{os.getpid()}@%h"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ]
        )
