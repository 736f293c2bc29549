"""`manage.py etcd`: the etcd API (`serve`, started by `up`)."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workers import garbage, lifeline


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "The cluster's etcd."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("serve", help="serve the etcd v3 API on ORRERY_ETCD_PORT; done by `up`")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _serve(self, options: dict[str, Any]) -> None:
        lifeline.hold()
        from workers.etcdwiring import serve
        from workers.wiring import connect

        live = connect("api")
        garbage.tune()
        asyncio.run(serve(live))
