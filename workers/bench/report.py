"""Figures, printed as a table beside those of the previous run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Figure:
    """`unit` says which way is better: rates end in /s, everything else is a cost."""

    name: str
    value: float
    unit: str
    note: str = ""


def percentiles(samples: list[float]) -> tuple[float, float]:
    """(p50, p99) of at least two samples."""
    cuts = quantiles(samples, n=100, method="inclusive")
    return cuts[49], cuts[98]


def latencies(name: str, seconds: list[float], note: str = "") -> list[Figure]:
    p50, p99 = percentiles(seconds)
    return [
        Figure(f"{name}, p50", p50 * 1000, "ms", note),
        Figure(f"{name}, p99", p99 * 1000, "ms", note),
    ]


def load(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    return {row["name"]: row["value"] for row in json.loads(path.read_text())}


def save(path: Path, figures: Iterable[Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(f) for f in figures], indent=1))


def table(figures: list[Figure], before: dict[str, float]) -> str:
    """One line a figure; the last column is this run divided by the previous one."""
    width = max((len(f.name) for f in figures), default=0)
    lines = [f"{'':{width}}  {'now':>12}  {'before':>12}  ratio"]
    for figure in figures:
        old = before.get(figure.name)
        ratio = f"{figure.value / old:.2f}x" if old else "-"
        previous = f"{old:,.1f}" if old else "-"
        value = f"{figure.value:,.1f} {figure.unit}"
        lines.append(
            f"{figure.name:{width}}  {value:>12}  {previous:>12}  {ratio:>6}  {figure.note}"
        )
    return "\n".join(lines)
