"""Whom the functions of `authorizer` ask, and the value of that variable."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

MARK = "$authorizer"
Ask = Callable[[dict[str, Any]], tuple[bool, str]]
ASK: ContextVar[Ask | None] = ContextVar("authorizer", default=None)


def handle(user: dict[str, Any]) -> dict[str, Any]:
    """The value of the variable `authorizer`."""
    return {MARK: "check", "user": user}
