"""Regular expressions as Go writes them (RE2).

Most are Python's, too. What is not (flags in the middle, Unicode classes) is matched by RE2 itself,
which CEL brings along.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol

# Written by both, read differently.
DIFFERENT = re.compile(r"\\[pPCQEx]|\[\[:|\(\?[imsU-]+\)|\(\?P?[<=!]|\\[1-9]")


class Pattern(Protocol):
    def search(self, text: str, /) -> Any:
        """None when it is not found."""
        ...


class _Re2:
    def __init__(self, pattern: str) -> None:
        from cluster.apiserver.cel.program import compile_expression

        self._pattern = pattern
        self._program = compile_expression("text.matches(pattern)", ("text", "pattern"))

    def search(self, text: str, /) -> Any:
        """Raises EvaluationError for a malformed pattern."""
        return self._program.run({"text": text, "pattern": self._pattern}) or None


@lru_cache(maxsize=4096)
def pattern_of(text: str) -> Pattern | None:
    """None for what Go cannot compile either."""
    if DIFFERENT.search(text) is None:
        try:
            return re.compile(_python(text), re.ASCII)
        except re.error:
            pass
    from cluster.apiserver.cel.program import EvaluationError

    found = _Re2(text)
    try:
        found.search("")
    except EvaluationError:
        return None
    return found


def _python(text: str) -> str:
    """What Go writes differently: \\z, and $ at the very end only."""
    text = text.replace(r"\z", r"\Z")
    out, escaped, in_class = [], False, False
    for char in text:
        if not escaped and not in_class and char == "$":
            out.append(r"\Z")
            continue
        if not escaped and char == "[":
            in_class = True
        elif not escaped and char == "]":
            in_class = False
        escaped = char == "\\" and not escaped
        out.append(char)
    return "".join(out)
