"""awk programs, run: fields, variables, arrays, functions."""

from __future__ import annotations

import math
import re
from typing import Any

from cluster.runtime.kernel import Leave, Process
from cluster.runtime.tools.awkcode import Node
from cluster.runtime.tools.expressions import translate
from cluster.runtime.tools.text import printf_text

Value = str | float
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
STEPS = 2_000_000  # of one program: it has no way to let others live


class Next(Exception):
    pass


class Exit(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Input(str):
    """Text from outside, which is a number if it looks like one."""


def number(value: Value) -> float:
    if isinstance(value, float):
        return value
    match = re.match(NUMBER, value)
    return float(match[0]) if match else 0.0


def text(value: Value, form: str = "%.6g") -> str:
    if isinstance(value, str):
        return str(value)
    if value == int(value) and abs(value) < 1e16 if math.isfinite(value) else False:
        return str(int(value))
    return form % value


def truth(value: Value) -> bool:
    if isinstance(value, Input) and NUMBER.fullmatch(value):
        return number(value) != 0
    return value != 0 if isinstance(value, float) else value != ""


class Machine:
    def __init__(self, process: Process, given: dict[str, str]) -> None:
        self.process = process
        self.variables: dict[str, Value] = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "SUBSEP": "\x1c", "OFMT": "%.6g",
        }  # fmt: skip
        self.variables.update({k: Input(v) for k, v in given.items()})
        environment: dict[str, Value] = {k: Input(v) for k, v in process.env.items()}
        self.arrays: dict[str, dict[str, Value]] = {"ENVIRON": environment}
        self.line = ""
        self.fields: list[str] = []
        self.count = 0
        self.steps = 0
        self.files: dict[str, list[str]] = {}
        self.modes: dict[str, str] = {}
        self._random = 1

    # ---- records

    def record(self, line: str) -> None:
        self.count += 1
        self.variables["NR"] = self.variables["FNR"] = float(self.count)
        self._split(line)

    def _split(self, line: str) -> None:
        self.line = line
        self.fields = self.split(line, text(self.variables["FS"]))

    def split(self, line: str, separator: str) -> list[str]:
        if separator == " ":
            return line.split()
        if not line:
            return []
        if len(separator) == 1 and separator not in "|^$.[]*+?(){}\\":
            return line.split(separator)
        return re.split(translate(separator, True) if len(separator) > 1 else
                        re.escape(separator), line)  # fmt: skip

    def field(self, index: int) -> Value:
        if index == 0:
            return Input(self.line)
        return Input(self.fields[index - 1]) if 0 < index <= len(self.fields) else ""

    def set_field(self, index: int, value: Value) -> None:
        if index == 0:
            self._split(text(value))
            return
        self.fields += [""] * (index - len(self.fields))
        self.fields[index - 1] = text(value)
        self.line = text(self.variables["OFS"]).join(self.fields)

    def matches(self, when: Any) -> bool:
        if when is None:
            return True
        if when[0] == "range":
            state = when[3]
            if not state[0] and not truth(self.value(when[1])):
                return False
            state[0] = not truth(self.value(when[2]))
            return True
        return truth(self.value(when))

    # ---- statements

    def run(self, node: Node) -> None:
        self.steps += 1
        if self.steps > STEPS:
            self.process.error("program takes too long")
            raise Leave(2)
        kind = node[0]
        if kind == "block":
            for each in node[1]:
                self.run(each)
        elif kind == "expression":
            self.value(node[1])
        elif kind in ("print", "printf"):
            self._print(node)
        elif kind == "if":
            if truth(self.value(node[1])):
                self.run(node[2])
            elif node[3] is not None:
                self.run(node[3])
        elif kind == "for":
            self._loop(node)
        elif kind == "each":
            self._each(node)
        elif kind == "next":
            raise Next
        elif kind == "exit":
            raise Exit(int(number(self.value(node[1]))) if node[1] else 0)
        elif kind == "break":
            raise _Break
        elif kind == "continue":
            raise _Continue
        elif node[2] is None:
            self.arrays.pop(node[1], None)
        else:
            self.arrays.get(node[1], {}).pop(self._key(node[2]), None)

    def _loop(self, node: Node) -> None:
        _, first, test, step, body = node
        if first is not None:
            self.run(first)
        while test is None or truth(self.value(test)):
            try:
                self.run(body)
            except _Break:
                return
            except _Continue:
                pass
            if step is not None:
                self.run(step)

    def _each(self, node: Node) -> None:
        for key in list(self.arrays.get(node[2], {})):
            self.variables[node[1]] = Input(key)
            try:
                self.run(node[3])
            except _Break:
                return
            except _Continue:
                continue

    def _print(self, node: Node) -> None:
        kind, values, mode, target = node
        form = text(self.variables["OFMT"])
        words = [text(self.value(v), form) for v in values] or [self.line]
        if kind == "printf":
            out = printf_text(words[0], words[1:])
        else:
            out = text(self.variables["OFS"]).join(words) + text(self.variables["ORS"])
        if not mode:
            self.process.say(out)
            return
        name = text(self.value(target)) if target is not None else ""
        self.files.setdefault(name, []).append(out)
        self.modes.setdefault(name, mode)

    def flush(self) -> None:
        for name, pieces in self.files.items():
            data = "".join(pieces).encode("utf-8", "surrogateescape")
            if self.modes[name] == "|":
                self.process.write(data)
            else:
                self.process.open(name, "a" if self.modes[name] == ">>" else "w").write(data)

    # ---- expressions

    def value(self, node: Node) -> Value:
        kind = node[0]
        if kind in ("number", "text"):
            return node[1]
        if kind == "regex":
            return float(self._regex(node).search(self.line) is not None)
        if kind == "name":
            return self._name(node[1])
        if kind == "field":
            return self.field(int(number(self.value(node[1]))))
        if kind == "item":
            return self.arrays.setdefault(node[1], {}).setdefault(self._key(node[2]), "")
        if kind == "group":
            return text(self.variables["SUBSEP"]).join(text(self.value(n)) for n in node[1])
        if kind == "assign":
            return self._assign(node)
        return self._operation(node)

    def _name(self, name: str) -> Value:
        if name == "NF":
            return float(len(self.fields))
        return self.variables.get(name, "")

    def _key(self, indexes: list[Node]) -> str:
        return text(self.variables["SUBSEP"]).join(text(self.value(i)) for i in indexes)

    def store(self, target: Node, value: Value) -> Value:
        if target[0] == "name":
            self.variables[target[1]] = value
            if target[1] == "NF":
                size = int(number(value))
                self.fields = (self.fields + [""] * size)[:size]
                self.line = text(self.variables["OFS"]).join(self.fields)
        elif target[0] == "field":
            self.set_field(int(number(self.value(target[1]))), value)
        else:
            self.arrays.setdefault(target[1], {})[self._key(target[2])] = value
        return value

    def _assign(self, node: Node) -> Value:
        _, target, operator, right = node
        value = self.value(right)
        if operator:
            value = self._math(operator, number(self.value(target)), number(value))
        return self.store(target, value)

    def _math(self, operator: str, a: float, b: float) -> float:
        if operator in ("/", "%") and b == 0:
            self.process.error("cmd. line:1: Division by zero")
            raise Leave(1)
        if operator == "^":
            return float(a**b)
        if operator in ("+", "-"):
            return a + b if operator == "+" else a - b
        if operator == "*":
            return a * b
        return a / b if operator == "/" else math.fmod(a, b)

    def _operation(self, node: Node) -> Value:
        kind = node[0]
        if kind == "?":
            return self.value(node[2] if truth(self.value(node[1])) else node[3])
        if kind == "||":
            return float(truth(self.value(node[1])) or truth(self.value(node[2])))
        if kind == "&&":
            return float(truth(self.value(node[1])) and truth(self.value(node[2])))
        if kind == "in":
            return float(text(self.value(node[1])) in self.arrays.get(node[2], {}))
        if kind in ("~", "!~"):
            hit = self._regex(node[2]).search(text(self.value(node[1]))) is not None
            return float(hit == (kind == "~"))
        if kind == "concat":
            return text(self.value(node[1])) + text(self.value(node[2]))
        if kind == "math":
            return self._math(node[1], number(self.value(node[2])), number(self.value(node[3])))
        if kind == "unary":
            value = self.value(node[2])
            if node[1] == "!":
                return float(not truth(value))
            return -number(value) if node[1] == "-" else number(value)
        if kind == "compare":
            return float(self._compare(node[1], self.value(node[2]), self.value(node[3])))
        if kind in ("before", "after"):
            old = number(self.value(node[2]))
            new = old + (1 if node[1] == "++" else -1)
            self.store(node[2], new)
            return new if kind == "before" else old
        from cluster.runtime.tools.awkfunctions import call

        return call(self, node[1], node[2])

    @staticmethod
    def _numeric(value: Value) -> bool:
        return isinstance(value, float) or (
            isinstance(value, Input) and NUMBER.fullmatch(value) is not None
        )

    def _compare(self, operator: str, a: Value, b: Value) -> bool:
        both = (self._numeric(a) and self._numeric(b)) or (
            (a == "" and isinstance(b, float)) or (b == "" and isinstance(a, float)))  # fmt: skip
        x: Any = number(a) if both else text(a)
        y: Any = number(b) if both else text(b)
        order = (x > y) - (x < y)
        return {"<": order < 0, "<=": order <= 0, "==": order == 0, "!=": order != 0,
                ">": order > 0, ">=": order >= 0}[operator]  # fmt: skip

    def _regex(self, node: Node) -> re.Pattern[str]:
        pattern = node[1] if node[0] == "regex" else text(self.value(node))
        try:
            return re.compile(translate(pattern, True))
        except re.error:
            self.process.error(f"bad regex '{pattern}'")
            raise Leave(2) from None
