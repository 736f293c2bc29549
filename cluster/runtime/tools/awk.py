"""awk: patterns, print and printf, variables, arrays, loops, the usual functions."""

from __future__ import annotations

from typing import Any

from cluster.runtime.escapes import unescape
from cluster.runtime.kernel import TICK, Leave, Main, Process, Run
from cluster.runtime.tools.awkcode import AwkSyntaxError, Node, Parser
from cluster.runtime.tools.awkrun import Exit, Machine, Next
from cluster.runtime.tools.filters import lines_of
from cluster.runtime.tools.options import parse

Rules = list[tuple[Any, Node]]
RECORDS = 2_000  # between two looks at the others


def awk(process: Process, arguments: list[str]) -> Run:
    given, rest = _assignments(arguments)
    options, operands = parse(process, rest, "F:f:")
    if "f" in options:
        text = (yield from process.read_file(options["f"])).decode(errors="replace")
    elif operands:
        text = operands.pop(0)
    else:
        process.error("usage: awk [-F SEP] [-v VAR=VAL] 'PROGRAM' [FILE]...")
        return 1
    try:
        rules = Parser(text).program()
    except AwkSyntaxError as error:
        process.error(f"cmd. line:1: {error}")
        raise Leave(1) from None
    machine = Machine(process, given)
    if "F" in options:
        machine.variables["FS"] = unescape("\t" if options["F"] == "t" else options["F"])
    return (yield from _whole(process, machine, rules, operands))


def _assignments(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """-v name=value, as often as it is given."""
    given: dict[str, str] = {}
    rest = []
    words = iter(arguments)
    for word in words:
        if word == "-v" or (word.startswith("-v") and "=" in word):
            name, _, value = (next(words, "") if word == "-v" else word[2:]).partition("=")
            given[name] = unescape(value)
        else:
            rest.append(word)
    return given, rest


def _whole(process: Process, machine: Machine, rules: Rules, names: list[str]) -> Run:
    status = 0
    try:
        for when, body in rules:
            if when == "BEGIN":
                machine.run(body)
        if any(when != "BEGIN" for when, _ in rules):
            for name in names or ["-"]:
                if "=" in name and name.partition("=")[0].isidentifier():
                    machine.variables[name.partition("=")[0]] = name.partition("=")[2]
                    continue
                try:
                    data = yield from process.read_file(name)
                except OSError as error:
                    process.error(f"{name}: {error.strerror}")
                    status = 2
                    continue
                machine.variables["FILENAME"] = "" if name == "-" else name
                for count, line in enumerate(lines_of(data)):
                    _record(machine, rules, line)
                    if count % RECORDS == RECORDS - 1:
                        yield TICK
    except Exit as left:
        status = left.code
    try:
        for when, body in rules:
            if when == "END":
                machine.run(body)
    except Exit as left:
        status = left.code
    machine.flush()
    yield from process.drain()
    return status


def _record(machine: Machine, rules: Rules, line: str) -> None:
    machine.record(line)
    try:
        for when, body in rules:
            if when not in ("BEGIN", "END") and machine.matches(when):
                machine.run(body)
    except Next:
        return


TOOLS: dict[str, Main] = {"awk": awk, "gawk": awk, "mawk": awk}
