"""A container's log: a function of its program, its start, its end, and the moment of reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cluster.machinery.clock import format_time
from cluster.runtime.programs import Program


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions; `since` is a moment of cluster time."""

    timestamps: bool = False
    tail: int | None = None
    since: float | None = None
    limit_bytes: int | None = None


def read_log(
    program: Program, started: float, until: float, options: LogOptions = LogOptions()
) -> list[bytes]:
    """Lines written in [started, until], each with its line feed."""
    found = [
        (started + after, render(text, started + after) if program.marks else text)
        for after, text in program.lines
        if started + after <= until
    ]
    if options.since is not None:
        found = [(at, text) for at, text in found if at >= options.since]
    if options.tail is not None:
        found = found[len(found) - min(options.tail, len(found)) :]
    return list(_limited(found, options))


def _limited(found: list[tuple[float, str]], options: LogOptions) -> Iterator[bytes]:
    left = options.limit_bytes
    for at, text in found:
        stamp = f"{format_time(at)[:-1]}.{int(at % 1 * 1e9):09d}Z " if options.timestamps else ""
        line = f"{stamp}{text}\n".encode()
        if left is not None:
            line = line[:left]
            left -= len(line)
        if line:
            yield line


def render(text: str, at: float) -> str:
    """The moment in the notations programs use."""
    if "{" not in text:
        return text
    moment = datetime.fromtimestamp(at, UTC)
    values: dict[str, Any] = {
        "{time}": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z",
        "{klog}": moment.strftime("%m%d %H:%M:%S.") + f"{moment.microsecond:06d}",
        "{date}": moment.strftime("%Y/%m/%d %H:%M:%S"),
        "{unix_date}": moment.strftime("%a %b %e %H:%M:%S UTC %Y"),
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def next_line_at(program: Program, started: float, after: float) -> float | None:
    """The moment of the first line later than `after`: what a follower waits for."""
    later = [started + offset for offset, _ in program.lines if started + offset > after]
    return min(later, default=None)
