"""find and findAll of strings."""

from __future__ import annotations

import re
from functools import lru_cache

from cluster.apiserver.cel.library.signature import INT, LIST, STRING, Signature


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(r"\z", r"\Z"))


def _find(text: str, pattern: str) -> str:
    found = _compiled(pattern).search(text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [m[0] for m in _compiled(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


SIGNATURES = (
    Signature("find", (STRING, STRING), STRING, _find),
    Signature("findAll", (STRING, STRING), LIST, _find_all),
    Signature("findAll", (STRING, STRING, INT), LIST, _find_all),
)
