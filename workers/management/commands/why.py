"""`manage.py why TARGET`: the chain of causes behind an object or a revision."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cluster.machinery.errors import StatusError
from cluster.simulation.scenario.claims import resource_of
from cluster.simulation.trace import Trace


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = (
        "Why is it so? TARGET is KIND/NAME, as in pod/web-1, or a revision. Prints the chain from "
        "the last change back to its first cause; works for deleted objects, too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", metavar="TARGET")
        parser.add_argument("-n", "--namespace", default="default")
        parser.add_argument("--forward", action="store_true", help="what followed instead")

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.wiring import connect

        trace = Trace(connect().store)
        try:
            revision = _revision(trace, options["target"], options["namespace"])
            links = trace.forward(revision) if options["forward"] else trace.back(revision)
        except ValueError as error:
            raise CommandError(str(error)) from error
        except StatusError as error:
            raise CommandError(error.message) from error
        for index, link in enumerate(links):
            arrow = "" if options["forward"] or not index else "<- "
            self.stdout.write(f"{link.revision:>8}  {arrow}{link.sentence()}")
        if not links:
            self.stdout.write("nothing followed" if options["forward"] else "nothing is known")


def _revision(trace: Trace, target: str, namespace: str) -> int:
    if target.isdigit():
        return int(target)
    kind, slash, name = target.partition("/")
    if not slash or not name:
        raise ValueError(f"{target} is neither KIND/NAME nor a revision")
    resource = resource_of(kind)
    return trace.revision_of(resource, namespace if resource.namespaced else "", name)
