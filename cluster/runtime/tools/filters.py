"""head, tail, wc, sort, uniq, cut, tr, rev, tac, nl, paste, fold, comm, diff, split, shuf."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cmp_to_key
from hashlib import sha256

from cluster.runtime.fs.nodes import File
from cluster.runtime.kernel import Leave, Main, Process, Run, Until
from cluster.runtime.tools.files import readable
from cluster.runtime.tools.options import number, parse


def lines_of(data: bytes) -> list[str]:
    """Without their line feeds."""
    text = data.decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def _old_style(arguments: list[str]) -> list[str]:
    """head -5 is head -n 5."""
    return [w for a in arguments for w in (("-n", a[1:]) if re.fullmatch(r"-\d+", a) else (a,))]


def head(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, _old_style(arguments), "n:c:qv", {"lines": "n", "bytes": "c"})
    status = 0
    for at, name in enumerate(names or ["-"]):
        try:
            file = process.descriptor(0) if name == "-" else process.open(name)
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
            status = 1
            continue
        if len(names) > 1 and "q" not in options:
            process.say(f"{chr(10) if at else ''}==> {name} <==\n")
        process.install(9, file)
        yield from _first(process, options)
        process.close(9)
    return status


def _first(process: Process, options: dict[str, str]) -> Run:
    if "c" in options:
        left = number(process, options["c"])
        while left > 0 and (data := (yield from process.read(9, left))):
            process.write(data)
            left -= len(data)
        return 0
    count = number(process, options.get("n", "10"))
    if count < 0:
        lines = lines_of((yield from process.read_all(9)))
        for line in lines[:count]:
            process.line(line)
        return 0
    while count > 0 and (data := (yield from process.read(9))):
        pieces = data.splitlines(keepends=True)
        process.write(b"".join(pieces[:count]))
        count -= sum(1 for piece in pieces[:count] if piece.endswith(b"\n"))
    return 0


def tail(process: Process, arguments: list[str]) -> Run:
    spec = "n:c:fFqvs:"
    options, names = parse(process, _old_style(arguments), spec, {"lines": "n", "follow": "f"})
    status = 0
    for at, name in enumerate(names or ["-"]):
        try:
            data = yield from process.read_file(name)
        except OSError as error:
            process.error(f"can't open '{name}': {error.strerror}")
            status = 1
            continue
        if len(names) > 1 and "q" not in options:
            process.say(f"{chr(10) if at else ''}==> {name} <==\n")
        process.write(_last(process, data, options))
    if set(options) & set("fF") and names and (not status or "F" in options):
        yield from _follow(process, names)
    return status


def _last(process: Process, data: bytes, options: dict[str, str]) -> bytes:
    if "c" in options:
        count = options["c"]
        if count.startswith("+"):
            return data[number(process, count) - 1 :]
        return data[-abs(number(process, count)) :]
    count = options.get("n", "10")
    lines = data.splitlines(keepends=True)
    if count.startswith("+"):
        return b"".join(lines[max(0, number(process, count) - 1) :])
    wanted = abs(number(process, count))
    return b"".join(lines[len(lines) - min(wanted, len(lines)) :])


def _follow(process: Process, names: list[str]) -> Run:
    """Until killed: what is added to the files."""
    sizes: dict[str, int] = {}

    def nodes() -> dict[str, File]:
        found = {name: process.kernel.fs.get(process.path(name)) for name in names}
        return {name: node for name, node in found.items() if isinstance(node, File)}

    for name, node in nodes().items():
        sizes[name] = len(node.content())

    def grown() -> bool:
        return any(len(node.content()) != sizes.get(name, 0) for name, node in nodes().items())

    while True:
        yield Until(grown)
        for name, node in nodes().items():
            content, before = node.content(), sizes.get(name, 0)
            process.write(content[before if len(content) >= before else 0 :])
            sizes[name] = len(content)


def wc(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "lwcmL")
    wanted = [k for k in "lwcm" if k in options] or ["l", "w", "c"]
    found = yield from readable(process, names)
    totals = [0] * len(wanted)
    for name, data in found:
        text = data.decode("utf-8", "replace")
        counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data), "m": len(text)}
        row = [counts[k] for k in wanted]
        totals = [a + b for a, b in zip(totals, row)]
        _counted(process, row, name if names else "")
    if len(names) > 1:
        _counted(process, totals, "total")
    return int(len(found) < len(names))


def _counted(process: Process, row: list[int], name: str) -> None:
    shown = str(row[0]) if len(row) == 1 else " ".join(f"{n:>9}" for n in row)
    process.line(f"{shown} {name}".rstrip())


SORT_KEY = re.compile(r"(\d+)(?:\.\d+)?([a-zA-Z]*)(?:,(\d+)(?:\.\d+)?([a-zA-Z]*))?")


def sort(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "bcdfghik:mMno:rRst:uVz", {"reverse": "r"})
    lines: list[str] = []
    found = yield from readable(process, names)
    for _, data in found:
        lines += lines_of(data)
    key = SORT_KEY.fullmatch(options["k"]) if "k" in options else None
    letters = "".join(options) + ((key[2] or "") + (key[4] or "") if key else "")
    separator = options.get("t")

    def value(line: str) -> str:
        if key is None:
            return line
        parts = line.split(separator) if separator else line.split()
        end = int(key[3]) if key[3] else len(parts)
        return (separator or " ").join(parts[int(key[1]) - 1 : end])

    def order(one: str, other: str) -> int:
        return _order(value(one), value(other), letters)

    ordered = sorted(lines if "s" in options else sorted(lines), key=cmp_to_key(order))
    if "r" in letters:
        ordered.reverse()
    if "u" in options:
        ordered = list({value(line): line for line in reversed(ordered)}.values())[::-1]
    text = "".join(f"{line}\n" for line in ordered)
    if "o" in options:
        process.kernel.fs.write(
            process.path(options["o"]), text.encode("utf-8", "surrogateescape"), process.kernel.now
        )
    else:
        process.say(text)
    return int(len(found) < len(names))


def _order(a: str, b: str, letters: str) -> int:
    if set(letters) & set("nghV"):
        x, y = _amount(a, letters), _amount(b, letters)
        if x != y:
            return -1 if x < y else 1
        return (a > b) - (a < b)
    if "f" in letters and a.lower() != b.lower():
        a, b = a.lower(), b.lower()
    return (a > b) - (a < b)


def _amount(text: str, letters: str) -> tuple[float, ...]:
    if "V" in letters:
        return tuple(float(n) for n in re.findall(r"\d+", text))
    match = re.match(r"\s*(-?\d*\.?\d+)([KMGT]?)", text)
    if match is None:
        return (0.0,)
    scale = 1024.0 ** " KMGT".index(match[2] or " ") if "h" in letters else 1.0
    return (float(match[1]) * scale,)


def uniq(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "cdiuf:s:w:")
    data = yield from process.read_file(names[0] if names else "-")
    groups: list[list[str]] = []
    for line in lines_of(data):
        same = groups and (
            groups[-1][0] == line or ("i" in options and groups[-1][0].lower() == line.lower())
        )
        if same:
            groups[-1].append(line)
        else:
            groups.append([line])
    for group in groups:
        if ("d" in options and len(group) < 2) or ("u" in options and len(group) > 1):
            continue
        process.line(f"{len(group):7} {group[0]}" if "c" in options else group[0])
    return 0


def ranges(process: Process, text: str) -> Callable[[int], bool]:
    """1,3-5,7- as a test of positions from 1."""
    spans = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not (low + high).isdigit():
            process.error(f"invalid byte or field list '{text}'")
            raise Leave(1)
        first = int(low or 1)
        spans.append((first, (int(high) if high else 1 << 60) if dash else first))
    return lambda n: any(low <= n <= high for low, high in spans)


def cut(process: Process, arguments: list[str]) -> Run:
    options, names = parse(
        process, arguments, "b:c:d:f:ns", {"delimiter": "d", "fields": "f", "characters": "c"}
    )
    chosen = options.get("f") or options.get("c") or options.get("b")
    if chosen is None:
        process.error("expected a list of bytes, characters, or fields")
        return 1
    wanted = ranges(process, chosen)
    separator = options.get("d", "\t")
    for _, data in (yield from readable(process, names)):
        for line in lines_of(data):
            if "f" not in options:
                process.line("".join(c for i, c in enumerate(line, 1) if wanted(i)))
            elif separator in line:
                parts = line.split(separator)
                process.line(separator.join(p for i, p in enumerate(parts, 1) if wanted(i)))
            elif "s" not in options:
                process.line(line)
    return 0


CLASSES = {
    "alpha": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "digit": "0123456789", "space": " \t\n\r\f\v", "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "lower": "abcdefghijklmnopqrstuvwxyz", "blank": " \t",
    "punct": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}  # fmt: skip


def _characters(text: str) -> str:
    from cluster.runtime.escapes import unescape

    text = re.sub(r"\[:(\w+):\]", lambda m: CLASSES.get(m[1], ""), text)
    text = unescape(text)
    return re.sub(
        r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text,
        flags=re.DOTALL,
    )  # fmt: skip


def _squeezed(text: str, characters: str, others: bool) -> str:
    return re.sub(
        r"(.)\1+",
        lambda m: m[1] if (m[1] in characters) != others else m[0],
        text,
        flags=re.DOTALL,
    )


def tr(process: Process, arguments: list[str]) -> Run:
    options, sets = parse(process, arguments, "cCds")
    if not sets:
        process.error("missing operand")
        return 1
    first = _characters(sets[0])
    second = _characters(sets[1]) if len(sets) > 1 else ""
    complement = bool(set(options) & set("cC"))
    while data := (yield from process.read()):
        text = data.decode("utf-8", "surrogateescape")

        def hit(char: str) -> bool:
            return (char in first) != complement

        if "d" in options:
            text = "".join(c for c in text if not hit(c))
        elif second:
            table = {c: second[min(i, len(second) - 1)] for i, c in enumerate(first)}
            text = "".join((second[-1] if complement else table[c]) if hit(c) else c for c in text)
        if "s" in options:
            text = _squeezed(text, second or first, complement and not second)
        process.say(text)
        yield from process.drain()
    return 0


def _each(work: Callable[[list[str]], list[str]]) -> Main:
    """A filter of whole files."""

    def run(process: Process, arguments: list[str]) -> Run:
        names = [a for a in arguments if not a.startswith("-") or a == "-"]
        found = yield from readable(process, names)
        for _, data in found:
            for line in work(lines_of(data)):
                process.line(line)
        return int(len(found) < len(names))

    return run


def nl(process: Process, arguments: list[str]) -> Run:
    names = [a for a in arguments if not a.startswith("-")]
    count = 0
    for _, data in (yield from readable(process, names)):
        for line in lines_of(data):
            count += bool(line)
            process.line(f"{count:6}\t{line}" if line else "")
    return 0


def paste(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "d:s")
    separator = _characters(options.get("d", "\t"))[:1]
    columns = [lines_of(data) for _, data in (yield from readable(process, names))]
    if "s" in options:
        for column in columns:
            process.line(separator.join(column))
        return 0
    for at in range(max(map(len, columns), default=0)):
        process.line(separator.join(c[at] if at < len(c) else "" for c in columns))
    return 0


def fold(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, _old_style(arguments), "w:sbn:")
    width = int(options.get("w", options.get("n", "80")))
    for _, data in (yield from readable(process, names)):
        for line in lines_of(data):
            for at in range(0, max(1, len(line)), width):
                process.line(line[at : at + width])
    return 0


def diff(process: Process, arguments: list[str]) -> Run:
    import difflib

    options, names = parse(process, arguments, "qurNbBwaU:")
    found = yield from readable(process, names[:2])
    if len(found) < 2:
        return 2
    (old, a), (new, b) = found
    if a == b:
        return 0
    if "q" in options:
        process.line(f"Files {old} and {new} differ")
        return 1
    for line in difflib.unified_diff(lines_of(a), lines_of(b), old, new, lineterm=""):
        process.line(line)
    return 1


def comm(process: Process, arguments: list[str]) -> Run:
    hidden = "".join(a[1:] for a in arguments if re.fullmatch(r"-[123]+", a))
    names = [a for a in arguments if not re.fullmatch(r"-[123]+", a)]
    found = yield from readable(process, names)
    if len(found) < 2:
        return 1
    one, two = (lines_of(data) for _, data in found)
    for line in sorted({*one, *two}):
        column = 3 if line in one and line in two else 1 if line in one else 2
        if str(column) not in hidden:
            indent = sum(1 for c in "123"[: column - 1] if c not in hidden)
            process.line("\t" * indent + line)
    return 0


def cmp(process: Process, arguments: list[str]) -> Run:
    names = [a for a in arguments if not a.startswith("-")]
    found = yield from readable(process, names)
    if len(found) < 2:
        return 2
    (one, a), (two, b) = found
    if a == b:
        return 0
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    if "-s" not in arguments:
        process.line(f"{one} {two} differ: char {at + 1}, line {a[:at].count(10) + 1}")
    return 1


def shuf(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "n:i:e")
    if "i" in options:
        low, _, high = options["i"].partition("-")
        lines = [str(n) for n in range(int(low), int(high) + 1)]
    else:
        lines = names if "e" in options else lines_of((yield from process.read_all()))
    process.kernel.look("chance")
    seed = f"{process.kernel.seed}/{process.pid}"
    lines = sorted(lines, key=lambda line: sha256(f"{seed}/{line}".encode()).digest())
    for line in lines[: int(options.get("n", len(lines)))]:
        process.line(line)
    return 0


TOOLS: dict[str, Main] = {
    "cmp": cmp, "comm": comm, "cut": cut, "diff": diff, "expand": _each(
        lambda lines: [line.expandtabs() for line in lines]),
    "fold": fold, "head": head, "less": _each(lambda lines: lines),
    "more": _each(lambda lines: lines), "nl": nl, "paste": paste,
    "rev": _each(lambda lines: [line[::-1] for line in lines]), "shuf": shuf, "sort": sort,
    "tac": _each(lambda lines: lines[::-1]), "tail": tail, "tr": tr, "uniq": uniq, "wc": wc,
}  # fmt: skip
