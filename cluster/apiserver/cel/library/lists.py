"""isSorted, sum, min, max, indexOf, lastIndexOf of lists; sets.*"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from cluster.apiserver.cel.library.signature import BOOL, DYN, INT, LIST, Signature, total


def _is_sorted(found: list[Any]) -> bool:
    return all(a <= b for a, b in pairwise(found))


def _sum(found: list[Any]) -> Any:
    out = found[0] if found else 0
    for value in found[1:]:
        out = out + value
    return out


def _least(found: list[Any]) -> Any:
    if not found:
        raise ValueError("min called on empty list")
    return min(found)


def _most(found: list[Any]) -> Any:
    if not found:
        raise ValueError("max called on empty list")
    return max(found)


def _index(found: list[Any], value: Any) -> int:
    return found.index(value) if value in found else -1


def _last(found: list[Any], value: Any) -> int:
    return len(found) - 1 - found[::-1].index(value) if value in found else -1


def _contains(a: list[Any], b: list[Any]) -> bool:
    return all(value in a for value in b)


def _equivalent(a: list[Any], b: list[Any]) -> bool:
    return _contains(a, b) and _contains(b, a)


def _intersects(a: list[Any], b: list[Any]) -> bool:
    return any(value in a for value in b)


SIGNATURES = (
    Signature("isSorted", (LIST,), BOOL, _is_sorted),
    Signature("sum", (LIST,), DYN, _sum),
    Signature("min", (LIST,), DYN, _least),
    Signature("max", (LIST,), DYN, _most),
    Signature("indexOf", (LIST, DYN), INT, _index),
    Signature("lastIndexOf", (LIST, DYN), INT, _last),
    total("sets.contains", (LIST, LIST), BOOL, _contains),
    total("sets.equivalent", (LIST, LIST), BOOL, _equivalent),
    total("sets.intersects", (LIST, LIST), BOOL, _intersects),
)
