"""Siblings share what they have in common: the pods of one ReplicaSet hold one list of containers.

A cache of thousands of decoded objects is mostly the same few parts again and again; equal parts
become one object as they arrive. Nothing changes for a reader, who may not change them anyway.
"""

from __future__ import annotations

from typing import Any

from cluster.machinery.meta import Object, controller_of

FAMILIES = 512  # of which the newest member is known
SECTIONS = ("metadata", "spec", "status")


class Sharing:
    """Of one resource; siblings are the objects of one controller, or those of none."""

    def __init__(self) -> None:
        self._newest: dict[str, Object] = {}

    def adopt(self, obj: Object) -> None:
        """Replace parts of `obj` by the equal ones of its newest sibling, in place."""
        owner = controller_of(obj)
        family = owner["uid"] if owner is not None else ""
        sibling = self._newest.get(family)
        self._newest[family] = obj
        if sibling is None:
            if len(self._newest) > FAMILIES:
                del self._newest[next(iter(self._newest))]
            return
        for section in SECTIONS:
            mine, other = obj.get(section), sibling.get(section)
            if isinstance(mine, dict) and isinstance(other, dict):
                _share(mine, other)


def _share(mine: Object, other: Object) -> None:
    for key, value in mine.items():
        known = other.get(key)
        if known is None or value is None:
            continue
        if value == known:
            mine[key] = known
        else:
            _share_within(value, known)


def _share_within(value: Any, known: Any) -> None:
    """Unequal parts may have equal ones in them: a container's image, a condition's time."""
    if isinstance(value, dict) and isinstance(known, dict):
        _share(value, known)
    elif isinstance(value, list) and isinstance(known, list) and len(value) == len(known):
        for index, (item, other) in enumerate(zip(value, known)):
            if item == other:
                value[index] = other
            else:
                _share_within(item, other)
