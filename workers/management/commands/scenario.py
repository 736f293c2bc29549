"""`manage.py scenario run FILE...`: what is done to a cluster, and what must come of it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cluster.simulation.scenario import Outcome, Runner, ScenarioError, library, load, report
from cluster.simulation.scenario.runner import Headless, Stage


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = (
        "Run scenarios: headless in virtual time, or with --live in the running cluster. FILE is "
        "a path or the name of one that comes with Orrery; `list` shows these."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="the scenarios that come with Orrery")
        run = verbs.add_parser("run", help="run scenarios")
        run.add_argument("files", nargs="+", metavar="FILE", help="path or name; `all`: all named")
        run.add_argument("--live", action="store_true", help="in the running cluster")
        run.add_argument("--seed", type=int, help="instead of the file's")
        run.add_argument("--junit", metavar="FILE", help="write a JUnit report")
        run.add_argument("--html", metavar="FOLDER", help="write a page for each scenario")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            for name, path in library().items():
                self.stdout.write(f"{name:24}{load(path).name}")
            return
        names = list(library()) if options["files"] == ["all"] else options["files"]
        outcomes = [self._run(name, options) for name in names]
        if options["junit"]:
            Path(options["junit"]).write_bytes(report.junit(outcomes))
        failed = sum(not outcome.ok for outcome in outcomes)
        if failed:
            raise CommandError(f"{failed} of {len(outcomes)} failed")

    def _run(self, name: str, options: dict[str, Any]) -> Outcome:
        path = library().get(name) or Path(name)
        try:
            scenario = load(path)
        except ScenarioError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}; there is no such scenario") from error
        start = perf_counter()
        self.stdout.write(f"{scenario.name}\n")
        stage: Stage
        if options["live"]:
            from workers.livestage import LiveStage

            stage = LiveStage.connect()
        else:
            stage = Headless(scenario, options["seed"])
        runner = Runner(scenario, stage, lambda r: self.stdout.write(report.line(r)))
        outcome = runner.run()
        self.stdout.write(f"{report.summary(outcome)} in {perf_counter() - start:.1f} s\n")
        if options["html"]:
            folder = Path(options["html"])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{path.stem}.html").write_text(report.html(outcome))
        return outcome
