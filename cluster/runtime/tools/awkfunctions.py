"""awk's functions."""

from __future__ import annotations

import math
import re
from hashlib import sha256

from cluster.runtime.kernel import Leave
from cluster.runtime.tools.awkcode import Node
from cluster.runtime.tools.awkrun import Input, Machine, Value, number, text
from cluster.runtime.tools.text import printf_text


def call(machine: Machine, name: str, arguments: list[Node]) -> Value:
    if name == "length":
        return _length(machine, arguments)
    if name == "split":
        return _split(machine, arguments)
    if name in ("sub", "gsub"):
        return _substitute(machine, arguments, every=name == "gsub")
    if name == "match":
        return _match(machine, arguments)
    if name in ("rand", "srand", "systime"):
        machine.process.kernel.look("chance" if name != "systime" else "time")
        if name == "systime":
            return float(int(machine.process.kernel.now))
        machine._random += 1
        seed = f"{machine.process.kernel.seed}/{machine._random}".encode()
        return int.from_bytes(sha256(seed).digest()[:6], "big") / 2**48 if name == "rand" else 0.0
    values = [machine.value(a) for a in arguments]
    if name in NUMERIC and values:
        return NUMERIC[name](number(values[0]))
    if name == "sprintf" and values:
        return printf_text(text(values[0]), [text(v) for v in values[1:]])
    if name == "substr" and len(values) >= 2:
        return _substring(text(values[0]), number(values[1]),
                          number(values[2]) if len(values) > 2 else math.inf)  # fmt: skip
    if name == "index" and len(values) >= 2:
        return float(text(values[0]).find(text(values[1])) + 1)
    if name == "toupper" and values:
        return text(values[0]).upper()
    if name == "tolower" and values:
        return text(values[0]).lower()
    if name in ("close", "fflush", "system"):
        return 0.0
    machine.process.error(f"cmd. line:1: Call to undefined function '{name}'")
    raise Leave(1)


NUMERIC = {
    "cos": math.cos, "exp": math.exp, "int": lambda v: float(math.trunc(v)),
    "log": lambda v: math.log(v) if v > 0 else math.nan, "sin": math.sin,
    "sqrt": lambda v: math.sqrt(v) if v >= 0 else math.nan,
}  # fmt: skip


def _length(machine: Machine, arguments: list[Node]) -> float:
    if not arguments:
        return float(len(machine.line))
    if arguments[0][0] == "name" and arguments[0][1] in machine.arrays:
        return float(len(machine.arrays[arguments[0][1]]))
    return float(len(text(machine.value(arguments[0]))))


def _split(machine: Machine, arguments: list[Node]) -> float:
    separator = text(machine.variables["FS"])
    if len(arguments) > 2:
        third = arguments[2]
        separator = third[1] if third[0] == "regex" else text(machine.value(third))
    parts = machine.split(text(machine.value(arguments[0])), separator)
    found: dict[str, Value] = {str(at): Input(part) for at, part in enumerate(parts, 1)}
    machine.arrays[arguments[1][1]] = found
    return float(len(parts))


def _substitute(machine: Machine, arguments: list[Node], every: bool) -> float:
    regex = machine._regex(arguments[0])
    template = text(machine.value(arguments[1]))
    target = arguments[2] if len(arguments) > 2 else ("field", ("number", 0.0))

    def one(match: re.Match[str]) -> str:
        return re.sub(r"\\&|&", lambda m: "&" if m[0] == "\\&" else match[0], template)

    new, count = regex.subn(one, text(machine.value(target)), count=0 if every else 1)
    if count:
        machine.store(target, new)
    return float(count)


def _match(machine: Machine, arguments: list[Node]) -> float:
    found = machine._regex(arguments[1]).search(text(machine.value(arguments[0])))
    machine.variables["RSTART"] = float(found.start() + 1 if found else 0)
    machine.variables["RLENGTH"] = float(found.end() - found.start() if found else -1)
    return number(machine.variables["RSTART"])


def _substring(value: str, first: float, length: float) -> str:
    begin = round(first)
    end = len(value) + 1 if length == math.inf else begin + round(length)
    return value[max(begin, 1) - 1 : max(end, 1) - 1]
