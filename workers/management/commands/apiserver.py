"""`manage.py apiserver`: the Kubernetes API over TLS. Started by `up`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workers import connections, garbage, lifeline
from workers.serving import SERVERS, Listener


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Serve the Kubernetes API on ORRERY_API_PORT. Started by `up`."

    def handle(self, *args: Any, **options: Any) -> None:
        name = os.environ.get("ORRERY_API_SERVER", "uvicorn")
        if name not in SERVERS:
            raise CommandError(f"ORRERY_API_SERVER={name}: choose one of {', '.join(SERVERS)}")
        # The watch cache reads the log from the event loop: each read is some microseconds of
        # SQLite, which is less than a change of threads.
        connections.one_a_thread()
        lifeline.hold()
        garbage.tune()
        sys.setswitchinterval(0.001)  # the watch cache catches up in a thread; requests come first
        pki = Path(settings.DATA_DIR) / "pki"
        SERVERS[name](_application(), Listener(settings.HOST, settings.API_PORT, pki))


def _application() -> Any:
    from workers.apiwiring import api_server, with_hints

    server, live = api_server()
    return with_hints(server, live)
