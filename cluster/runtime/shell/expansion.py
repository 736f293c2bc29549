"""Words into fields: parameters, commands, arithmetic, splitting, globs. Models POSIX 2.6."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from cluster.runtime.kernel import Pipe, Syscall
from cluster.runtime.shell import patterns
from cluster.runtime.shell.arithmetic import ArithmeticError_, evaluate
from cluster.runtime.shell.nodes import (
    Arithmetic,
    Literal,
    Parameter,
    Part,
    Substitution,
    Word,
)

if TYPE_CHECKING:
    from cluster.runtime.shell.interpreter import Shell

Steps = Generator[Syscall, Any, Any]
BREAK = "\x01"  # between the fields of "$@"


class ExpansionError(Exception):
    """Ends a shell that is not interactive."""


def fields(shell: Shell, words: list[Word]) -> Generator[Syscall, Any, list[str]]:
    out: list[str] = []
    for word in words:
        plain = word.plain()
        if plain is not None and not plain.startswith("~") and not set(plain) & set("*?["):
            out.append(plain)
            continue
        for field in (yield from _split(shell, word)):
            if patterns.is_pattern(field) and not shell.options.get("f"):
                found = patterns.glob(shell.process.kernel.fs, shell.process.cwd, field)
                out.extend(found or [patterns.unquoted(field)])
            else:
                out.append(patterns.unquoted(field))
    return out


def text(shell: Shell, word: Word) -> Generator[Syscall, Any, str]:
    """One field, not split: the value of an assignment, the target of a redirect."""
    return patterns.unquoted((yield from pattern(shell, word)))


def pattern(shell: Shell, word: Word) -> Generator[Syscall, Any, str]:
    """Unsplit, and with what is quoted marked as such."""
    out = []
    for at, part in enumerate(word.parts):
        value = yield from _value(shell, part, at == 0, joined=True)
        value = value.replace(BREAK, " ")
        out.append(patterns.quoted(value) if part.quoted else value)
    return "".join(out)


def _split(shell: Shell, word: Word) -> Generator[Syscall, Any, list[str]]:
    """Fields, with what is quoted marked."""
    separators = shell.get("IFS", " \t\n")
    done: list[str] = []
    current: str | None = None
    for at, part in enumerate(word.parts):
        value = yield from _value(shell, part, at == 0, joined=False)
        if isinstance(part, Literal):
            current = (current or "") + (patterns.quoted(value) if part.quoted else value)
        elif part.quoted:
            pieces = value.split(BREAK) if value != BREAK else []
            for index, piece in enumerate(pieces):
                if index:
                    done.append(current or "")
                    current = ""
                current = (current or "") + patterns.quoted(piece)
        else:
            pieces = _by(value.replace(BREAK, separators[:1] or " "), separators)
            for index, piece in enumerate(pieces):
                if index and current is not None:
                    done.append(current)
                    current = None
                if piece:
                    current = (current or "") + piece
    if current is not None:
        done.append(current)
    return done


def _by(value: str, separators: str) -> list[str]:
    """Split at IFS. Empty pieces at either end mean: the neighbours are separate fields."""
    if not separators or not any(c in separators for c in value):
        return [value]
    blank = [c for c in separators if c.isspace()]
    out: list[str] = []
    piece = ""
    hard = False
    for char in value:
        if char not in separators:
            piece += char
            hard = False
        elif char in blank:
            if piece or not out:
                out.append(piece)
                piece = ""
        else:
            if not piece and not hard and out and blank:
                hard = True
                continue
            out.append(piece)
            piece, hard = "", True
    out.append(piece)
    return out


def _value(shell: Shell, part: Part, first: bool, joined: bool) -> Generator[Syscall, Any, str]:
    if isinstance(part, Literal):
        if first and not part.quoted and part.text.startswith("~"):
            head, slash, rest = part.text.partition("/")
            if head in ("~", "~root"):
                return f"{shell.get('HOME', '/root')}{slash}{rest}"
        return part.text
    if isinstance(part, Substitution):
        return (yield from _command(shell, part))
    if isinstance(part, Arithmetic):
        inside = yield from text(shell, part.word)
        try:
            return str(evaluate(inside, shell.variables))
        except ArithmeticError_ as error:
            raise ExpansionError(str(error)) from error
    return (yield from _parameter(shell, part, joined))


def _command(shell: Shell, part: Substitution) -> Generator[Syscall, Any, str]:
    pipe = Pipe()
    child = shell.process.fork(shell.process.argv)
    child.install(1, pipe.writer)
    pipe.reader.refs += 1
    shell.child(child, part.body)
    out = bytearray()
    while True:
        data = pipe.reader.read(1 << 20)
        if data:
            out += data
        elif data == b"":
            break
        else:
            from cluster.runtime.kernel import Read

            out += yield Read(pipe.reader)
    shell.substituted = shell.status = yield from shell.process.wait([child])
    return out.decode("utf-8", "surrogateescape").replace("\0", "").rstrip("\n")


def _parameter(shell: Shell, part: Parameter, joined: bool) -> Generator[Syscall, Any, str]:
    value = _lookup(shell, part, joined)
    op = part.op
    if op == "#" and part.word is None:
        if part.name in "@*":
            return str(len(shell.arguments))
        return str(len(value or ""))
    if not op:
        if value is None and shell.options.get("u") and part.name not in ("@", "*"):
            raise ExpansionError(f"{part.name}: parameter not set")
        return value or ""
    word = part.word or Word()
    unset = value is None or (op.startswith(":") and value == "")
    if op in (":-", "-"):
        return (yield from text(shell, word)) if unset else value or ""
    if op in (":+", "+"):
        return "" if unset else (yield from text(shell, word))
    if op in (":=", "="):
        if unset:
            value = yield from text(shell, word)
            shell.set(part.name, value)
        return value or ""
    if op in (":?", "?"):
        if unset:
            why = (yield from text(shell, word)) or "parameter not set"
            raise ExpansionError(f"{part.name}: {why}")
        return value or ""
    return (yield from _edit(shell, value or "", op, word))


def _edit(shell: Shell, value: str, op: str, word: Word) -> Generator[Syscall, Any, str]:
    if op in ("#", "##", "%", "%%"):
        return patterns.strip(value, (yield from pattern(shell, word)), op)
    if op == ":":
        start, _, length = (yield from text(shell, word)).partition(":")
        begin = evaluate(start, shell.variables)
        begin = max(0, len(value) + begin) if begin < 0 else begin
        if not length:
            return value[begin:]
        end = evaluate(length, shell.variables)
        return value[begin : end if end < 0 else begin + end]
    import re

    old, _, new = (yield from pattern(shell, word)).partition("/")
    if not old:
        return value
    fresh = patterns.unquoted(new)
    return re.sub(patterns.translate(old), lambda _: fresh, value, count=0 if op == "//" else 1)


def _lookup(shell: Shell, part: Parameter, joined: bool) -> str | None:
    name = part.name
    if name in ("@", "*"):
        if not shell.arguments:
            return BREAK if name == "@" and part.quoted and not joined else ""
        if name == "*" and part.quoted:
            return shell.get("IFS", " \t\n")[:1].join(shell.arguments)
        return BREAK.join(shell.arguments)
    if name.isdigit():
        index = int(name)
        if index == 0:
            return shell.name
        return shell.arguments[index - 1] if index <= len(shell.arguments) else None
    if name == "?":
        return str(shell.status)
    if name == "#":
        return str(len(shell.arguments))
    if name == "$":
        return str(shell.pid)
    if name == "!":
        return str(shell.last_background or "") or None
    if name == "-":
        return "".join(k for k, v in shell.options.items() if v and len(k) == 1)
    return shell.lookup(name)
