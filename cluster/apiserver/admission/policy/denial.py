"""What a policy says against a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Denial:
    message: str
    reason: str = ""
    is_error: bool = False
