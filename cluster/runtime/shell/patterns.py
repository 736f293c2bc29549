"""Patterns of file names and of `case`. Models POSIX 2.13.

A pattern is a text in which quoted characters are marked by a preceding QUOTE."""

from __future__ import annotations

import re
from functools import lru_cache

from cluster.runtime.fs import FileSystem
from cluster.runtime.fs.nodes import Directory

QUOTE = "\x00"
MAGIC = re.compile(r"(?<!\x00)[*?\[]")


def quoted(text: str) -> str:
    return "".join(f"{QUOTE}{c}" for c in text)


def unquoted(pattern: str) -> str:
    return pattern.replace(QUOTE, "")


def is_pattern(text: str) -> bool:
    return MAGIC.search(text) is not None


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern), re.DOTALL)


def translate(pattern: str, shortest: bool = False) -> str:
    out, at = [], 0
    star = ".*?" if shortest else ".*"
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == QUOTE:
            out.append(re.escape(pattern[at : at + 1]))
            at += 1
        elif char == "*":
            out.append(star)
        elif char == "?":
            out.append(".")
        elif char == "[":
            text, at = _bracket(pattern, at)
            out.append(text)
        else:
            out.append(re.escape(char))
    return "".join(out)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    begin = at
    end = pattern.find(
        "]", at + (pattern[at : at + 2] in ("!]", "^]")) + (pattern[at : at + 1] == "]")
    )
    while end > 0 and pattern[begin:end].count("[:") > pattern[begin:end].count(":]"):
        end = pattern.find("]", end + 1)
    if end < 0:
        return re.escape("["), begin
    inside = unquoted(pattern[begin:end])
    negated = inside[:1] in ("!", "^")
    inside = inside[1:] if negated else inside
    for name, characters in CLASSES.items():
        inside = inside.replace(f"[:{name}:]", characters)
    inside = inside.replace("\\", "\\\\").replace("[", "\\[")
    return f"[{'^' if negated else ''}{inside}]", end + 1


CLASSES = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z",
           "lower": "a-z", "space": " \t\n\r\f\v", "blank": " \t", "xdigit": "0-9A-Fa-f",
           "punct": "!-/:-@\\[-`{-~"}  # fmt: skip


def matches(pattern: str, text: str) -> bool:
    try:
        return compiled(pattern).fullmatch(text) is not None
    except re.error:
        return unquoted(pattern) == text


def strip(value: str, pattern: str, op: str) -> str:
    """`${value#pattern}` and its three siblings."""
    cuts = range(len(value) + 1)
    if op == "#":
        return next((value[n:] for n in cuts if matches(pattern, value[:n])), value)
    if op == "##":
        return next((value[n:] for n in reversed(cuts) if matches(pattern, value[:n])), value)
    if op == "%":
        return next((value[:n] for n in reversed(cuts) if matches(pattern, value[n:])), value)
    return next((value[:n] for n in cuts if matches(pattern, value[n:])), value)


def glob(fs: FileSystem, cwd: str, pattern: str) -> list[str]:
    """The paths that match, sorted; none when nothing does."""
    found = ["/"] if pattern.startswith("/") else [""]
    for part in [p for p in pattern.split("/") if p]:
        found = [path for base in found for path in _matching(fs, cwd, base, part)]
    if pattern.endswith("/"):
        found = [f"{p}/" for p in found if isinstance(fs.get(_full(cwd, p)), Directory)]
    return found


def _full(cwd: str, path: str) -> str:
    return path if path.startswith("/") else f"{cwd.rstrip('/')}/{path}"


def _matching(fs: FileSystem, cwd: str, base: str, part: str) -> list[str]:
    prefix = base if base.endswith("/") or not base else f"{base}/"
    if not is_pattern(part):
        path = prefix + unquoted(part)
        return [path] if fs.get(_full(cwd, path), follow=False) is not None else []
    folder = fs.get(_full(cwd, base or "."))
    if not isinstance(folder, Directory):
        return []
    hidden = unquoted(part).startswith(".")
    return [prefix + name for name in sorted(folder.look())
            if matches(part, name) and name.startswith(".") == hidden]  # fmt: skip
