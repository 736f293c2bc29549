"""A bounded log of what changed, for caches that catch up lazily."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class ChangeLog(Generic[T]):
    """Readers remember a position. One that fell too far behind is told so and starts anew."""

    __slots__ = ("_base", "_items", "_limit")

    def __init__(self, limit: int = 8192) -> None:
        self._items: list[T] = []
        self._base = 0
        self._limit = limit

    @property
    def position(self) -> int:
        return self._base + len(self._items)

    def append(self, item: T) -> None:
        self._items.append(item)
        if len(self._items) > 2 * self._limit:
            del self._items[: self._limit]
            self._base += self._limit

    def since(self, position: int) -> list[T] | None:
        """What was appended after `position`; None when that is no longer known."""
        if position < self._base:
            return None
        return self._items[position - self._base :]

    def break_off(self) -> None:
        """Everybody starts anew."""
        self._base += len(self._items) + 1
        self._items.clear()
