"""Alarms: what is wrong with the database itself, until somebody disarms it."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.etcd.api import NoSpaceError

NOSPACE = 1
CORRUPT = 2
# Not the users' keys: the simulated hardware, its clock and its faults, and what belongs to them.
# They are never refused for want of space, and a restore does not rewind them.
OWN_PREFIX = b"/orrery/"


def refuse_puts(alarms: int, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
    """Raises NoSpaceError; deleting is always possible. Models applierV3Capped."""
    if alarms & NOSPACE and any(
        value is not None and not key.startswith(OWN_PREFIX) for key, value in changes
    ):
        raise NoSpaceError
