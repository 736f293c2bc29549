"""`manage.py whatif`: ask the scheduler of the running cluster what it would do."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError

from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = (
        "Where would pods land, what would stay pending and why, how many more fit, which nodes "
        "could go? Nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-f", "--filename", metavar="FILE", help="pods and workloads; - reads")
        parser.add_argument("--replicas", type=int, help="instead of what the manifests say")
        parser.add_argument("--drain", action="append", default=[], metavar="NODE")
        parser.add_argument("--add-nodes", type=int, default=0, metavar="N")
        parser.add_argument("--like", default="", metavar="NODE", help="what new nodes are like")
        parser.add_argument("--more", action="store_true", help="how many more would fit")
        parser.add_argument("--could-go", action="store_true", help="nodes one could do without")

    def handle(self, *args: Any, **options: Any) -> None:
        from cluster.simulation.questions import SchedulerQuestions
        from workers.wiring import connect

        spec: Object = {
            "objects": _objects(options["filename"], options["replicas"]),
            "drain": options["drain"],
            "howManyMore": options["more"],
            "couldGo": options["could_go"],
        }
        if options["add_nodes"]:
            spec["addNodes"] = {"count": options["add_nodes"], "like": options["like"]}
        try:
            answer = SchedulerQuestions(connect().registry).what_if({"spec": spec})
        except StatusError as error:
            raise CommandError(error.message) from error
        self._print(answer["status"])

    def _print(self, status: Object) -> None:
        counts: dict[str, int] = {}
        for placement in status["placements"]:
            counts[placement["node"]] = counts.get(placement["node"], 0) + 1
        for node, count in sorted(counts.items(), key=lambda c: (-c[1], c[0])):
            self.stdout.write(f"{count:6} to {node}")
        for pod in status["pending"]:
            self.stdout.write(f"pending: {pod['namespace']}/{pod['name']}: {pod['message']}")
        for pod in status["evicted"]:
            self.stdout.write(f"evicted: {pod['namespace']}/{pod['name']} from {pod['node']}")
        if "howManyMore" in status:
            self.stdout.write(f"{status['howManyMore']} more would fit")
        if "couldGo" in status:
            self.stdout.write(f"could go: {', '.join(status['couldGo']) or 'none'}")
        if not any(status.values()):
            self.stdout.write("nothing would change")


def _objects(filename: str | None, replicas: int | None) -> list[Object]:
    if filename is None:
        return []
    try:
        text = sys.stdin.read() if filename == "-" else Path(filename).read_text()
        found = [d for d in yaml.safe_load_all(text) if d]
    except (OSError, yaml.YAMLError) as error:
        raise CommandError(f"{filename}: {error}") from error
    for obj in found:
        if replicas is not None and "replicas" in (obj.get("spec") or {}):
            obj["spec"]["replicas"] = replicas
    return found
