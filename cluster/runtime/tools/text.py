"""echo, printf, yes, seq, true, false, basename, dirname, expr."""

from __future__ import annotations

import posixpath
import re

from cluster.runtime.escapes import unescape
from cluster.runtime.kernel import Main, Process, Run


def echo(process: Process, arguments: list[str]) -> int:
    newline, escapes = "\n", False
    rest = list(arguments)
    while rest and re.fullmatch(r"-[neE]+", rest[0]):
        flags = rest.pop(0)
        newline = "" if "n" in flags else newline
        escapes = "e" in flags or (escapes and "E" not in flags)
    out = " ".join(rest)
    if escapes:
        out = unescape(out, stop=True)
        if out.endswith("\0c"):
            out, newline = out[:-2], ""
    process.say(out + newline)
    return 0


def printf_text(template: str, values: list[str]) -> str:
    """awk's printf: escapes are done, and the format is used once."""
    out, at = [], 0
    rest = list(values)
    for match in FORMAT.finditer(template):
        out.append(template[at : match.start()])
        at = match.end()
        flags, width, precision, kind = match.groups()
        if kind == "%":
            out.append("%")
            continue
        width = (rest.pop(0) if rest else "0") if width == "*" else width or ""
        value = rest.pop(0) if rest else ""
        if kind in "diuxXo":
            found = re.match(r"\s*[-+]?\d+", value)
            value = found[0].strip() if found else "0"
        elif kind in "eEfFgG":
            found = re.match(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value)
            value = found[0] if found else "0"
        out.append(_convert(kind, flags, width, precision, value))
    return "".join([*out, template[at:]])


FORMAT = re.compile(r"%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+))?([a-zA-Z%])")


def printf(process: Process, arguments: list[str]) -> int:
    if not arguments:
        process.error("usage: printf FORMAT [ARG]...")
        return 1
    if arguments[0] == "--":
        arguments = arguments[1:]
    template, values = arguments[0], list(arguments[1:])
    status = 0
    out = []
    while True:
        before = len(values)
        piece, failed = _format(process, template, values)
        out.append(piece)
        status = status or failed
        if not values or len(values) == before or piece.endswith("\0c"):
            break
    process.say("".join(out).replace("\0c", ""))
    return status


def _format(process: Process, template: str, values: list[str]) -> tuple[str, int]:
    status = 0
    out, at = [], 0
    for match in FORMAT.finditer(template):
        out.append(unescape(template[at : match.start()], stop=True))
        at = match.end()
        flags, width, precision, kind = match.groups()
        if kind == "%":
            out.append("%")
            continue
        width = (values.pop(0) if values else "0") if width == "*" else width or ""
        precision = (values.pop(0) if values else "0") if precision == "*" else precision
        value = values.pop(0) if values else ""
        try:
            out.append(_convert(kind, flags, width, precision, value))
        except ValueError:
            process.error(f"invalid number '{value}'")
            out.append(_convert(kind, flags, width, precision, "0"))
            status = 1
    out.append(unescape(template[at:], stop=True))
    return "".join(out), status


def _convert(kind: str, flags: str, width: str, precision: str | None, value: str) -> str:
    width, precision = width[:4], precision[:4] if precision is not None else None
    after = f".{precision}" if precision is not None else ""
    if kind == "s":
        return f"%{flags.replace('0', '')}{width}{after}s" % value
    if kind == "b":
        return unescape(value, stop=True)
    if kind == "q":
        return "'" + value.replace("'", "'\\''") + "'"
    if kind == "c":
        return f"%{flags}{width}s" % value[:1]
    if kind in "diuxXo":
        number = ord(value[1]) if value[:1] in "'\"" and len(value) > 1 else int(value or "0", 0)
        return f"%{flags}{width}{after}{'d' if kind in 'iu' else kind}" % number
    return f"%{flags}{width}{after}{kind}" % float(value or 0)


def yes(process: Process, arguments: list[str]) -> Run:
    line = " ".join(arguments) or "y"
    block = f"{line}\n" * max(1, 4096 // (len(line) + 1))
    while True:
        process.say(block)
        yield from process.drain()


def seq(process: Process, arguments: list[str]) -> Run | int:
    separator, wide = "\n", False
    rest = list(arguments)
    while rest and rest[0] in ("-s", "-w"):
        if rest.pop(0) == "-w":
            wide = True
        elif rest:
            separator = rest.pop(0)
    if not 1 <= len(rest) <= 3:
        process.error("usage: seq [-w] [-s SEP] [FIRST [INC]] LAST")
        return 1
    try:
        values = [float(r) if "." in r else int(r) for r in rest]
    except ValueError:
        bad = next(r for r in rest if not re.fullmatch(r"[-+]?[\d.]+", r))
        process.error(f"invalid number '{bad}'")
        return 1
    first, step, last = (1, 1, values[0]) if len(values) == 1 else (
        (values[0], 1, values[1]) if len(values) == 2 else values)  # fmt: skip
    places = max(len(r.partition(".")[2]) for r in rest)
    return _count(process, first, step, last, separator, places, wide)


def _count(
    process: Process, first: float, step: float, last: float, separator: str, places: int,
    wide: bool,
) -> Run:  # fmt: skip
    width = max(len(f"{v:.{places}f}") for v in (first, last)) if wide else 0
    if step == 0:
        return 0
    count = int((last - first) / step + 1e-9) + 1
    for at in range(0, max(0, count), 1000):
        numbers = [
            f"{first + step * i:0{width}.{places}f}" for i in range(at, min(at + 1000, count))
        ]
        end = separator if at + 1000 < count else "\n"
        process.say(separator.join(numbers) + end)
        yield from process.drain()
    return 0


def basename(process: Process, arguments: list[str]) -> int:
    if not arguments:
        process.error("missing operand")
        return 1
    name = posixpath.basename(arguments[0].rstrip("/")) or "/"
    if len(arguments) > 1 and name != arguments[1]:
        name = name.removesuffix(arguments[1])
    process.line(name)
    return 0


def dirname(process: Process, arguments: list[str]) -> int:
    for argument in arguments:
        stripped = argument.rstrip("/") or "/"
        process.line(posixpath.dirname(stripped) or ("/" if stripped == "/" else "."))
    return 0


def expr(process: Process, arguments: list[str]) -> int:
    """`a op b` with the usual operators, left to right by strength."""
    try:
        value = _expr(list(arguments))
    except (ValueError, IndexError, ZeroDivisionError) as error:
        text = "division by zero" if isinstance(error, ZeroDivisionError) else "syntax error"
        process.error(text)
        return 2
    process.line(value)
    return int(value in ("", "0"))


STRENGTHS = (("|",), ("&",), ("<", "<=", "=", "==", "!=", ">=", ">"), ("+", "-"), ("*", "/", "%"),
             (":",))  # fmt: skip


def _expr(tokens: list[str]) -> str:
    value = _level(tokens, 0)
    if tokens:
        raise ValueError
    return value


def _level(tokens: list[str], level: int) -> str:
    if level == len(STRENGTHS):
        return _operand(tokens)
    left = _level(tokens, level + 1)
    while tokens and tokens[0] in STRENGTHS[level]:
        operator = tokens.pop(0)
        left = _operate(operator, left, _level(tokens, level + 1))
    return left


def _operand(tokens: list[str]) -> str:
    token = tokens.pop(0)
    if token == "(":
        value = _level(tokens, 0)
        if tokens.pop(0) != ")":
            raise ValueError
        return value
    if token == "length" and tokens:
        return str(len(_operand(tokens)))
    if token == "substr" and len(tokens) >= 3:
        text, at, size = tokens.pop(0), int(tokens.pop(0)), int(tokens.pop(0))
        return text[at - 1 : at - 1 + size] if at > 0 else ""
    return token


def _operate(operator: str, left: str, right: str) -> str:
    if operator == "|":
        return left if left not in ("", "0") else right
    if operator == "&":
        return left if left not in ("", "0") and right not in ("", "0") else "0"
    if operator == ":":
        match = re.match(right.replace("\\(", "(").replace("\\)", ")"), left)
        if match is None:
            return "" if "(" in right else "0"
        return match[1] if match.groups() else str(match.end())
    if operator in ("+", "-", "*", "/", "%"):
        a, b = int(left), int(right)
        whole = (abs(a) // abs(b)) * (1 if a * b >= 0 else -1) if operator in "/%" else 0
        results = {"+": a + b, "-": a - b, "*": a * b, "/": whole, "%": a - b * whole}
        return str(results[operator])
    numeric = re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right)
    x, y = (int(left), int(right)) if numeric else (left, right)
    order = (x > y) - (x < y)  # type: ignore[operator]
    tests = {"<": order < 0, "<=": order <= 0, "=": order == 0, "==": order == 0,
             "!=": order != 0, ">=": order >= 0, ">": order > 0}  # fmt: skip
    return str(int(tests[operator]))


TOOLS: dict[str, Main] = {
    "basename": basename, "dirname": dirname, "echo": echo, "expr": expr,
    "false": lambda p, a: 1, "printf": printf, "seq": seq, "true": lambda p, a: 0, "yes": yes,
}  # fmt: skip
