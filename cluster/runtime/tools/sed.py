"""sed: addresses, s d p q i a c y = n N, -n -e -i -E -r."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from cluster.runtime.escapes import unescape
from cluster.runtime.kernel import Leave, Main, Process, Run
from cluster.runtime.tools.expressions import compiled
from cluster.runtime.tools.filters import lines_of
from cluster.runtime.tools.options import parse

Test = Callable[[int, str, bool], bool]


@dataclass(slots=True)
class _Command:
    """`first` and `last` are tests of (line number, line, whether it is the last one)."""

    name: str
    first: Test | None = None
    last: Test | None = None
    negated: bool = False
    pattern: re.Pattern[str] | None = None
    text: str = ""
    flags: str = ""
    block: list[_Command] = field(default_factory=list)
    inside: bool = False
    last_number: int = 0


@dataclass(slots=True)
class _State:
    lines: list[str]
    at: int = 0
    space: str = ""
    hold: str = ""
    out: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    quiet: bool = False
    over: bool = False
    dropped: bool = False


class _Parser:
    def __init__(self, process: Process, text: str, extended: bool) -> None:
        self.process = process
        self.text = text
        self.at = 0
        self.extended = extended

    def fail(self, why: str) -> Leave:
        self.process.error(f"{why}")
        return Leave(1)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self, characters: str) -> None:
        while self.peek() and self.peek() in characters:
            self.at += 1

    def commands(self, closing: str = "") -> list[_Command]:
        out: list[_Command] = []
        while True:
            self.skip(" \t\n;")
            if not self.peek() or self.peek() == closing:
                self.at += bool(self.peek())
                return out
            out.append(self.command())

    def address(self) -> Test | None:
        char = self.peek()
        if char.isdigit():
            match = re.match(r"(\d+)(?:~(\d+))?", self.text[self.at :])
            assert match is not None
            self.at += match.end()
            first, step = int(match[1]), int(match[2] or 0)
            if step:
                return lambda n, line, last: n >= first and (n - first) % step == 0
            return lambda n, line, last: n == first
        if char == "$":
            self.at += 1
            return lambda n, line, last: last
        if char in ("/", "\\"):
            self.at += 1 + (char == "\\")
            mark = self.text[self.at - 1]
            regex = compiled(self.process, self.until(mark), self.extended)
            return lambda n, line, last: regex.search(line) is not None
        return None

    def until(self, mark: str) -> str:
        out: list[str] = []
        while True:
            char = self.peek()
            if not char:
                raise self.fail("unmatched '" + mark + "'")
            self.at += 1
            if char == mark:
                return "".join(out)
            if char == "\\" and self.peek():
                out.append(mark if self.peek() == mark else char + self.peek())
                self.at += 1
            else:
                out.append(char)

    def command(self) -> _Command:
        first, last = self.address(), None
        self.skip(" ")
        number = 0
        if first is not None and self.peek() == ",":
            self.at += 1
            self.skip(" ")
            match = re.match(r"\d+", self.text[self.at :])
            number = int(match[0]) if match else 0
            last = self.address()
        self.skip(" ")
        found = _Command("", first, last, last_number=number)
        while self.peek() == "!":
            found.negated = True
            self.at += 1
        self.skip(" ")
        found.name = self.peek()
        self.at += 1
        self._arguments(found)
        return found

    def _arguments(self, found: _Command) -> None:
        if found.name == "{":
            found.block = self.commands("}")
        elif found.name in ("s", "y"):
            mark = self.peek()
            self.at += 1
            pattern, found.text = self.until(mark), self.until(mark)
            match = re.match(r"[gpiIe0-9]*", self.text[self.at :])
            found.flags = match[0] if match else ""
            self.at += len(found.flags)
            if found.name == "s":
                fold = bool(set(found.flags) & set("iI"))
                found.pattern = compiled(self.process, pattern, self.extended, fold)
            else:
                found.flags = unescape(pattern)
        elif found.name in ("a", "i", "c"):
            self.skip(" \t")
            if self.peek() == "\\":
                self.at += 1
                self.skip(" \t\n")
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            found.text = unescape(self.text[self.at : end])
            self.at = end
        elif found.name not in ("d", "p", "q", "n", "N", "=", "D", "P", "h", "H", "g", "G", "x"):
            raise self.fail(f"unsupported command {found.name}")


def _replacement(template: str, match: re.Match[str]) -> str:
    out: list[str] = []
    at = 0
    while at < len(template):
        char = template[at]
        at += 1
        if char == "&":
            out.append(match[0])
        elif char == "\\" and at < len(template):
            code = template[at]
            at += 1
            if code.isdigit():
                out.append(match[int(code)] or "" if int(code) <= len(match.groups()) else "")
            else:
                out.append({"n": "\n", "t": "\t"}.get(code, code))
        else:
            out.append(char)
    return "".join(out)


def _applies(command: _Command, state: _State) -> bool:
    number, last = state.at, state.at == len(state.lines)
    hit = True
    if command.first is not None and command.last is None:
        hit = command.first(number, state.space, last)
    elif command.first is not None and command.last is not None:
        if command.inside:
            over = command.last(number, state.space, last)
            command.inside = not (over or (command.last_number and number >= command.last_number))
            hit = not (command.last_number and number > command.last_number)
        else:
            hit = command.first(number, state.space, last)
            command.inside = hit and not (0 < command.last_number <= number)
    return hit != command.negated


def _run(commands: list[_Command], state: _State) -> bool:
    """False when the rest of the script is skipped for this line."""
    return not any(_applies(command, state) and not _one(command, state) for command in commands)


def _one(command: _Command, state: _State) -> bool:
    name = command.name
    if name == "{":
        return _run(command.block, state)
    if name == "s":
        _substitute(command, state)
    elif name == "d":
        state.dropped = True
        return False
    elif name == "p":
        state.out.append(state.space)
    elif name == "q":
        state.over = True
        return False
    elif name == "=":
        state.out.append(str(state.at))
    elif name == "a":
        state.after.append(command.text)
    elif name == "i":
        state.out.append(command.text)
    elif name == "c":
        if command.last is None or not command.inside:
            state.out.append(command.text)
        state.dropped = True
        return False
    elif name == "y":
        table = dict(zip(command.flags, unescape(command.text)))
        state.space = "".join(table.get(c, c) for c in state.space)
    elif name in ("n", "N"):
        return _next(name, state)
    else:
        _hold(name, state)
    return True


def _hold(name: str, state: _State) -> None:
    if name == "h":
        state.hold = state.space
    elif name == "H":
        state.hold += "\n" + state.space
    elif name == "g":
        state.space = state.hold
    elif name == "G":
        state.space += "\n" + state.hold
    elif name == "x":
        state.space, state.hold = state.hold, state.space
    elif name == "P":
        state.out.append(state.space.partition("\n")[0])


def _next(name: str, state: _State) -> bool:
    if state.at >= len(state.lines):
        state.over = True
        return False
    following = state.lines[state.at]
    state.at += 1
    if name == "n":
        if not state.quiet:
            state.out.append(state.space)
        state.space = following
    else:
        state.space += "\n" + following
    return True


def _substitute(command: _Command, state: _State) -> None:
    assert command.pattern is not None
    digits = "".join(c for c in command.flags if c.isdigit())
    wanted, every = int(digits or "1"), "g" in command.flags
    count = 0

    def one(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        if count == wanted or (every and count >= wanted):
            return _replacement(command.text, match)
        return match[0]

    limit = 0 if every or wanted > 1 else 1
    new = command.pattern.sub(one, state.space, count=limit)
    if count >= wanted:
        state.space = new
        if "p" in command.flags:
            state.out.append(new)


def sed(process: Process, arguments: list[str]) -> Run:
    scripts = [b for a, b in pairwise(arguments) if a in ("-e", "--expression")]
    rest = [a for a in arguments if not a.startswith("-i") or a == "-i"]
    options, operands = parse(
        process, rest, "ne:f:iErsuz", {"expression": "e", "quiet": "n", "regexp-extended": "E",
                                       "in-place": "i"},
    )  # fmt: skip
    if "f" in options:
        scripts.append((yield from process.read_file(options["f"])).decode(errors="replace"))
    elif "e" in options and not scripts:
        scripts.append(options["e"])
    if not scripts:
        if not operands:
            process.error("no script")
            return 1
        scripts.append(operands.pop(0))
    extended = bool(set(options) & set("Er"))
    in_place = "i" in options or any(a.startswith("-i") for a in arguments)
    text = "\n".join(scripts)
    status = 0
    gathered: list[str] = []
    for name in operands or ["-"]:
        try:
            data = yield from process.read_file(name)
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
            status = 1
            continue
        if in_place and name != "-":
            out = _edit(_Parser(process, text, extended).commands(), lines_of(data), options)
            content = "".join(f"{line}\n" for line in out).encode("utf-8", "surrogateescape")
            process.open(name, "w").write(content)
        else:
            gathered += lines_of(data)
    if not in_place:
        for line in _edit(_Parser(process, text, extended).commands(), gathered, options):
            process.line(line)
        yield from process.drain()
    return status


def _edit(commands: list[_Command], lines: list[str], options: dict[str, str]) -> list[str]:
    state = _State(lines, quiet="n" in options)
    while state.at < len(lines) and not state.over:
        state.space, state.dropped = lines[state.at], False
        state.at += 1
        _run(commands, state)
        if not state.dropped and not state.quiet:
            state.out.append(state.space)
        state.out += state.after
        state.after.clear()
    return state.out


TOOLS: dict[str, Main] = {"sed": sed}
