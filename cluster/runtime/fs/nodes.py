"""What a path can lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class File:
    """`made` computes the content at each look (files of /proc)."""

    data: bytes | bytearray = b""
    mode: int = 0o644
    mtime: float = 0.0
    made: Callable[[], bytes] | None = None

    def content(self) -> bytes:
        return self.made() if self.made is not None else bytes(self.data)


@dataclass(slots=True)
class Link:
    target: str
    mtime: float = 0.0
    mode: int = 0o777


@dataclass(slots=True)
class Device:
    """null, zero, full, random, tty, and the process's own descriptors: fd0, fd1, fd2."""

    kind: str
    mtime: float = 0.0
    mode: int = 0o666


@dataclass(slots=True)
class Directory:
    """`refresh` brings the children up to date before each look (volumes made of objects).
    The same Directory may hang in several trees: that is a shared volume."""

    children: dict[str, Node] = field(default_factory=dict)
    mode: int = 0o755
    mtime: float = 0.0
    refresh: Callable[[], None] | None = None
    read_only: bool = False

    def look(self) -> dict[str, Node]:
        if self.refresh is not None:
            self.refresh()
        return self.children


Node = File | Link | Device | Directory


def is_executable(node: Node) -> bool:
    return isinstance(node, File) and bool(node.mode & 0o111)
