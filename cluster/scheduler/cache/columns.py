"""Columns over nodes for what is text: labels, taints, images. Texts are interned to small ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
# Which slots of the node table are asked about; it indexes columns: `column[at]`.
Slots = Ints | slice
T = TypeVar("T")


def resized(array: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.generic]:
    """A copy of another length, zeros at the end."""
    out = np.zeros(size, dtype=array.dtype)
    kept = min(size, len(array))
    out[:kept] = array[:kept]
    return out


class InternedColumn(Generic[T]):
    """`ids[slot]` is the number of the slot's value; 0 means it has none."""

    __slots__ = ("_numbers", "ids", "values", "version")

    def __init__(self, size: int) -> None:
        self.ids: Ids = np.zeros(size, dtype=np.int32)
        self.values: list[T | None] = [None]
        self._numbers: dict[T, int] = {}
        self.version = 0

    def set(self, slot: int, value: T | None) -> bool:
        """True when that changed anything."""
        number = 0 if value is None else self.number(value)
        if int(self.ids[slot]) == number:
            return False
        self.ids[slot] = number
        self.version += 1
        return True

    def number(self, value: T) -> int:
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found

    def known(self, value: T) -> int | None:
        return self._numbers.get(value)

    def where(self, holds: Callable[[T | None], bool], at: Slots) -> Bools:
        """Where the value satisfies a predicate, which is asked once per distinct value."""
        table = np.fromiter((holds(v) for v in self.values), np.bool_, len(self.values))
        out: Bools = table[self.ids[at]]
        return out

    def resize(self, size: int) -> None:
        self.ids = resized(self.ids, size)  # type: ignore[assignment]
        self.version += 1


class LabelColumns:
    """One column for every label key that somebody asked for."""

    def __init__(self) -> None:
        self._columns: dict[str, InternedColumn[str]] = {}

    def column(
        self, key: str, size: int, labels: Callable[[int], Mapping[str, str]]
    ) -> InternedColumn[str]:
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = InternedColumn(size)
            for slot in range(size):
                found.set(slot, labels(slot).get(key))
        return found

    def update(self, slot: int, labels: Mapping[str, str]) -> None:
        for key, column in self._columns.items():
            column.set(slot, labels.get(key))

    def resize(self, size: int) -> None:
        for column in self._columns.values():
            column.resize(size)
