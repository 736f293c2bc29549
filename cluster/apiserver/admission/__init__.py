"""Admission plugins, in upstream's order."""

from __future__ import annotations

from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    """Change `new` in place or raise StatusError; `new` is None for a deletion."""
