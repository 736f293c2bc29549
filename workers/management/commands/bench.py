"""`manage.py bench [headless|live]`: measure, print a table, compare with the previous run."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workers.bench import headless, live
from workers.bench.report import Figure, load, save, table


def _headless() -> Iterator[Figure]:
    yield from headless.node_loss()
    yield from headless.rollout(500)
    yield from headless.rollout(2000)


PARTS = {"headless": _headless, "live": live.all_figures}


class Command(BaseCommand):
    help = "Measure the live and the headless cluster and compare with the previous run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all parts")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA_DIR / "bench.json"
        before = load(path)
        figures: list[Figure] = []
        for part in options["parts"] or PARTS:
            for figure in PARTS[part]():
                figures.append(figure)
                self.stderr.write(f"{figure.name}: {figure.value:,.1f} {figure.unit}")
        self.stdout.write(table(figures, before))
        kept = {name: Figure(name, value, "") for name, value in before.items()}
        save(path, {**kept, **{f.name: f for f in figures}}.values())
