"""In which order a merged list stands: $setElementOrder before the patch before the live list.

Models normalizeElementOrder of apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from typing import Any

from cluster.machinery import errors

DIRECTIVE = "$patch"


def identity(entry: Any, key: str) -> Any:
    """What an item is known by; something that can be hashed."""
    found = entry.get(key) if key and isinstance(entry, dict) else entry
    return repr(found) if isinstance(found, (dict, list, bool)) else found


def _ranks(items: list[Any], key: str) -> dict[Any, int]:
    """First places."""
    out: dict[Any, int] = {}
    for at, item in enumerate(items):
        out.setdefault(identity(item, key), at)
    return out


def ordered(merged: list[Any], wanted: list[Any], live: list[Any], key: str) -> list[Any]:
    """Items of `wanted` in its order; others keep the live order among themselves, and stand
    before what they stood before."""
    rank, place = _ranks(wanted, key), _ranks(live, key)
    mine = [e for e in merged if identity(e, key) in rank]
    others = [e for e in merged if identity(e, key) not in rank]
    mine.sort(key=lambda e: rank[identity(e, key)])
    others.sort(key=lambda e: place.get(identity(e, key), len(place)))
    out: list[Any] = []
    left = right = 0
    while left < len(others) and right < len(mine):
        here = place.get(identity(others[left], key))
        there = place.get(identity(mine[right], key))
        if here is not None and there is not None and here < there:
            out.append(others[left])
            left += 1
        else:
            out.append(mine[right])
            right += 1
    return [*out, *others[left:], *mine[right:]]


def check(patch: list[Any], order: list[Any], key: str) -> None:
    """The patch's items must come in the order that $setElementOrder gives. Raises StatusError."""
    kept = [e for e in patch if not (isinstance(e, dict) and DIRECTIVE in e)] if key else patch
    if not order or not kept:
        return
    places = iter([identity(entry, key) for entry in order])
    if all(any(identity(entry, key) == place for place in places) for entry in kept):
        return
    raise errors.bad_request(
        f"The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n"
    )
