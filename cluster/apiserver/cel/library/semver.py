"""semver("1.2.3"), and the comparisons that quantities and versions share."""

from __future__ import annotations

import re
from typing import Any

from cluster.apiserver.cel.library import quantity
from cluster.apiserver.cel.library.signature import BOOL, DYN, INT, STRING, Signature, total

MARK = "$semver"
NUMBER = r"(0|[1-9]\d*)"
VERSION = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")


def _normal(text: str) -> str:
    """A leading v, missing parts and leading zeros are let pass."""
    text = text.removeprefix("v")
    core, sep, rest = (
        re.split(r"([-+])", text, maxsplit=1) if re.search(r"[-+]", text) else (text, "", "")
    )
    parts = [str(int(p)) if p.isdigit() else p for p in core.split(".")]
    return ".".join([*parts, *["0"] * (3 - len(parts))]) + sep + rest


def _parse(text: str, normalise: bool = False) -> dict[str, str]:
    text = _normal(text) if normalise else text
    if VERSION.fullmatch(text) is None:
        raise ValueError(f"No Major.Minor.Patch elements found in {text}")
    return {MARK: text}


def _is_semver(text: str, normalise: bool = False) -> bool:
    return VERSION.fullmatch(_normal(text) if normalise else text) is not None


def _part(number: int) -> Any:
    def part(found: dict[str, str]) -> int:
        match = VERSION.fullmatch(found[MARK])
        assert match is not None
        return int(match[number])

    return part


def _order(found: dict[str, str]) -> tuple[Any, ...]:
    match = VERSION.fullmatch(found[MARK])
    assert match is not None
    core = tuple(int(match[i]) for i in (1, 2, 3))
    if match[4] is None:
        return (core, 1, ())
    parts = [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in match[4].split(".")]
    return (core, 0, tuple(parts))


def _compare(a: Any, b: Any) -> int:
    if isinstance(a, dict) and MARK in a:
        left, right = _order(a), _order(b)
        return (left > right) - (left < right)
    one, two = quantity._value(a), quantity._value(b)
    return (one > two) - (one < two)


SIGNATURES = (
    total("semver", (STRING,), DYN, _parse),
    total("semver", (STRING, BOOL), DYN, _parse),
    total("isSemver", (STRING,), BOOL, _is_semver),
    total("isSemver", (STRING, BOOL), BOOL, _is_semver),
    Signature("major", (DYN,), INT, _part(1)),
    Signature("minor", (DYN,), INT, _part(2)),
    Signature("patch", (DYN,), INT, _part(3)),
    Signature("compareTo", (DYN, DYN), INT, _compare),
    Signature("isLessThan", (DYN, DYN), BOOL, lambda a, b: _compare(a, b) < 0),
    Signature("isGreaterThan", (DYN, DYN), BOOL, lambda a, b: _compare(a, b) > 0),
)
