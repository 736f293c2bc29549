"""`manage.py timekeeper`: the process that fires deadlines. Started by `up`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from workers import garbage, lifeline
from workers.checkpoints import Checkpoints
from workers.timekeeper import Timekeeper
from workers.wiring import connect


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Fire the components' deadlines; one such process a cluster. Started by `up`."

    def handle(self, *args: Any, **options: Any) -> None:
        lifeline.hold()
        garbage.tune()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        Checkpoints(Path(connection.settings_dict["NAME"])).start()
        Timekeeper(connect(), settings.DATA_DIR / "clock").run()
