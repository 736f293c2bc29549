"""The command line's words for a cluster's size; shared by `up` and `prepare`."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from cluster.machinery import quantity

MAX_NODES = 5000
OPTIONS = ("nodes", "node_cpu", "node_memory", "node_pods")


def _quantity(text: str) -> str:
    try:
        positive = quantity.milli(text) > 0
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no quantity (8, 500m, 16Gi...)") from error
    if not positive:
        raise ArgumentTypeError("must be more than 0")
    return text


def _between(low: int, high: int, what: str) -> Any:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or not low <= int(text) <= high:
            raise ArgumentTypeError(f"{text!r} is not a number of {what} from {low} to {high}")
        return int(text)

    return parse


def add_shape_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--nodes",
        type=_between(1, MAX_NODES, "nodes"),
        metavar="N",
        help="how many nodes, counting the control plane (new cluster: 3; existing: as it is)",
    )
    parser.add_argument("--node-cpu", type=_quantity, metavar="CPU", help="of each worker (8)")
    parser.add_argument("--node-memory", type=_quantity, metavar="MEM", help="(16Gi)")
    parser.add_argument(
        "--node-pods", type=_between(1, 1000, "pods"), metavar="N", help="pods a worker takes (110)"
    )


def given_shape(options: dict[str, Any]) -> Any:
    """The Shape that was asked for, with the defaults of a new cluster."""
    from cluster.simulation.bootstrap import Shape

    names = {"nodes": "nodes", "node_cpu": "cpu", "node_memory": "memory", "node_pods": "pods"}
    given = {field: options[o] for o, field in names.items() if options[o] is not None}
    return Shape(**given)


def as_arguments(options: dict[str, Any]) -> list[str]:
    """The same options again, for a child's command line."""
    given = [(o, options[o]) for o in OPTIONS if options[o] is not None]
    return [f"--{o.replace('_', '-')}={value}" for o, value in given]
