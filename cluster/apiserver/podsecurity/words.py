"""How findings are worded: lists of quoted names, singular and plural."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cluster.machinery.meta import Object


@dataclass(frozen=True, slots=True)
class Finding:
    reason: str
    detail: str = ""


def containers(spec: Object) -> Iterator[Object]:
    """All of a pod, init containers first, ephemeral ones last (VisitContainersWithPath)."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def security(thing: Object) -> Object:
    found: Object = thing.get("securityContext") or {}
    return found


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def several(names: list[str], word: str = "container") -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural(word, len(names))} {quoted(names)}"
