"""Siblings share what they have in common: the pods of one ReplicaSet hold one list of containers.

A cache of thousands of decoded objects is mostly the same few parts again and again; equal parts
become one object as they arrive. Nothing changes for a reader, who may not change them anyway.
"""

from __future__ import annotations

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
        if value is not None and other.get(key) == value:
            mine[key] = other[key]
