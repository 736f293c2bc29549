"""Regular expressions of POSIX, basic and extended, as Python writes them."""

from __future__ import annotations

import re
from functools import lru_cache

from cluster.runtime.kernel import Leave, Process

CLASSES = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z",
           "lower": "a-z", "space": r"\s", "blank": " \t", "xdigit": "0-9A-Fa-f",
           "punct": r"!-/:-@\[-`{-~"}  # fmt: skip


@lru_cache(maxsize=512)
def translate(pattern: str, extended: bool) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\" and at < len(pattern):
            following = pattern[at]
            at += 1
            if not extended and following in "(){}|+?":
                out.append(following)
            elif following in "<>":
                out.append(r"\b")
            elif following in "nt" or following.isdigit() or following in "wWsSbBdD":
                out.append(f"\\{following}")
            else:
                out.append(re.escape(following))
        elif char == "[":
            text, at = _bracket(pattern, at)
            out.append(text)
        elif not extended and char in "(){}|+?":
            out.append(f"\\{char}")
        elif char == "*" and (not out or out[-1] in ("^", "(", "|")):
            out.append(r"\*")
        else:
            out.append(char)
    return "".join(out)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    begin = at
    if pattern[at : at + 1] == "^":
        at += 1
    if pattern[at : at + 1] == "]":
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        if pattern.startswith("[:", at):
            at = pattern.find(":]", at) + 1
        at += 1
    inside = pattern[begin:at].replace("\\", "\\\\")
    for name, text in CLASSES.items():
        inside = inside.replace(f"[:{name}:]", text)
    negated = inside.startswith("^")
    inside = inside[negated:].replace("[", "\\[").replace("\\\\n", "\\n").replace("\\\\t", "\\t")
    if inside.startswith("]"):
        inside = "\\" + inside
    return f"[{'^' * negated}{inside}]", at + 1


def compiled(process: Process, pattern: str, extended: bool, fold: bool = False) -> re.Pattern[str]:
    try:
        return re.compile(translate(pattern, extended), re.IGNORECASE if fold else 0)
    except re.error as error:
        process.error(f"bad regex '{pattern}': {error.msg}")
        raise Leave(2) from None
