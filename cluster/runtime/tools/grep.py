"""grep, egrep, fgrep."""

from __future__ import annotations

import posixpath
import re

from cluster.runtime.fs.nodes import Directory, File
from cluster.runtime.kernel import Main, Process, Run
from cluster.runtime.tools.expressions import translate
from cluster.runtime.tools.filters import lines_of
from cluster.runtime.tools.options import parse

LONG = {"ignore-case": "i", "invert-match": "v", "count": "c", "quiet": "q", "recursive": "r",
        "line-number": "n", "extended-regexp": "E", "fixed-strings": "F", "regexp": "e",
        "only-matching": "o", "word-regexp": "w", "files-with-matches": "l", "silent": "q",
        "after-context": "A", "before-context": "B", "context": "C", "color": "z",
        "colour": "z", "max-count": "m", "no-filename": "h", "include": "I"}  # fmt: skip


def grep(process: Process, arguments: list[str]) -> Run:
    options, operands = parse(process, arguments, "EFPHhiIlLnoqrRsvwxcA:B:C:e:f:m:zaU", LONG, 2)
    patterns = [options["e"]] if "e" in options else operands[:1]
    names = operands if "e" in options else operands[1:]
    if "f" in options:
        patterns = lines_of((yield from process.read_file(options["f"])))
        names = operands
    if not patterns:
        process.error("usage: grep [-HhnlLoqvsrRiwFE] [-m N] [-A|B|C N] PATTERN [FILE]...")
        return 2
    name = process.argv[0].rpartition("/")[2]
    regex = _regex(process, patterns, options, name)
    if regex is None:
        return 2
    recursive = bool(set(options) & set("rR"))
    found, failed = False, False
    files = _files(process, names or (["."] if recursive else ["-"]), recursive)
    show = (len(files) > 1 or recursive or "H" in options) and "h" not in options
    for path in files:
        try:
            data = yield from process.read_file(path)
        except OSError as error:
            failed = True
            if "s" not in options:
                process.error(f"{path}: {error.strerror}")
            continue
        label = "(standard input)" if path == "-" else path
        found = _search(process, regex, data, options, label, show) or found
        if found and "q" in options:
            return 0
    return 2 if failed else int(not found)


def _regex(
    process: Process, patterns: list[str], options: dict[str, str], name: str
) -> re.Pattern[str] | None:
    fixed = "F" in options or name == "fgrep"
    extended = bool(set(options) & set("EP")) or name == "egrep"
    pieces = [p for text in patterns for p in text.split("\n")]
    bodies = [re.escape(p) if fixed else p if "P" in options else translate(p, extended)
              for p in pieces]  # fmt: skip
    body = "|".join(f"(?:{b})" for b in bodies)
    if "w" in options:
        body = rf"(?<!\w)(?:{body})(?!\w)"
    if "x" in options:
        body = f"^(?:{body})$"
    try:
        return re.compile(body, re.IGNORECASE if "i" in options else 0)
    except re.error as error:
        process.error(f"bad regex '{patterns[0]}': {error.msg}")
        return None


def _files(process: Process, names: list[str], recursive: bool) -> list[str]:
    out = []
    for name in names:
        node = process.kernel.fs.get(process.path(name)) if name != "-" else None
        if recursive and isinstance(node, Directory):
            base = process.path(name)
            for path, child in process.kernel.fs.walk(base):
                if isinstance(child, File):
                    out.append(posixpath.join(name, path[len(base) :].lstrip("/")))
        else:
            out.append(name)
    return out


def _search(
    process: Process, regex: re.Pattern[str], data: bytes, options: dict[str, str], label: str,
    show: bool,
) -> bool:  # fmt: skip
    lines = lines_of(data)
    hits = [i for i, line in enumerate(lines) if bool(regex.search(line)) != ("v" in options)]
    if "m" in options:
        hits = hits[: int(options["m"])]
    prefix = f"{label}:" if show else ""
    if "q" in options:
        return bool(hits)
    if "l" in options or "L" in options:
        if bool(hits) == ("l" in options):
            process.line(label)
    elif "c" in options:
        process.line(f"{prefix}{len(hits)}")
    else:
        _print(process, regex, lines, hits, options, prefix)
    return bool(hits)


def _print(
    process: Process, regex: re.Pattern[str], lines: list[str], hits: list[int],
    options: dict[str, str], prefix: str,
) -> None:  # fmt: skip
    before = int(options.get("B", options.get("C", "0")))
    after = int(options.get("A", options.get("C", "0")))
    last, chosen = -1, set(hits)
    for hit in hits:
        for at in range(max(last + 1, hit - before), min(len(lines), hit + after + 1)):
            if (before or after) and last >= 0 and at > last + 1:
                process.line("--")
            mark = ":" if at in chosen else "-"
            number = f"{at + 1}{mark}" if "n" in options else ""
            if "o" in options and at in chosen:
                for match in regex.finditer(lines[at]):
                    if match[0]:
                        process.line(f"{prefix}{number}{match[0]}")
            else:
                process.line(f"{prefix}{number}{lines[at]}")
            last = at


TOOLS: dict[str, Main] = {"egrep": grep, "fgrep": grep, "grep": grep}
