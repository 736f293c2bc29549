"""Paths to nodes: lookup through links and mounts, and every change, with the kernel's errors."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Iterator

from cluster.runtime.fs.nodes import Directory, File, Link, Node

MAX_LINKS = 40
MAX_FILE = 64 * 1024 * 1024
QUOTA = 256 * 1024 * 1024  # of a container


def fail(number: int, path: str = "") -> OSError:
    return OSError(number, os.strerror(number), path)


class FileSystem:
    """`changed` is told of each path that was written, removed or made; `read_only` are the
    places that were mounted so."""

    def __init__(self, root: Directory) -> None:
        self.root = root
        self.read_only: list[str] = []
        self.changed: Callable[[str], None] | None = None
        self._written = 0

    def room(self, size: int) -> bool:
        """Whether so much more may be written."""
        self._written += size
        if self._written <= QUOTA:
            return True
        files = (node for _, node in self.walk("/") if isinstance(node, File))
        used = sum(len(node.data) for node in files)
        if used + size > QUOTA:
            return False
        self._written = used + size
        return True

    # ---- looking

    def find(self, path: str, follow: bool = True) -> Node:
        return self.locate(path, follow)[1]

    def locate(self, path: str, follow: bool = True, hops: int = 0) -> tuple[str, Node]:
        """(the path without links, the node). `path` is absolute."""
        here: Node = self.root
        trail: list[str] = []
        parts = [p for p in path.split("/") if p and p != "."]
        for at, part in enumerate(parts):
            if part == "..":
                trail = trail[:-1]
                here = self._walk(trail)
                continue
            if type(here) is not Directory:
                raise fail(errno.ENOTDIR, path)
            if here.refresh is not None:
                here.refresh()
            child = here.children.get(part)
            if child is None:
                raise fail(errno.ENOENT, path)
            last = at == len(parts) - 1
            if type(child) is Link and (follow or not last):
                if hops >= MAX_LINKS:
                    raise fail(errno.ELOOP, path)
                base = "/" + "/".join(trail)
                target = posixpath.join(base, child.target, *parts[at + 1 :])
                return self.locate(target, follow, hops + 1)
            trail.append(part)
            here = child
        if path.endswith("/") and parts and not isinstance(here, Directory):
            raise fail(errno.ENOTDIR, path)
        return "/" + "/".join(trail), here

    def _walk(self, trail: list[str]) -> Node:
        here: Node = self.root
        for part in trail:
            assert isinstance(here, Directory)
            here = here.look()[part]
        return here

    def get(self, path: str, follow: bool = True) -> Node | None:
        try:
            return self.find(path, follow)
        except OSError:
            return None

    def directory(self, path: str) -> Directory:
        node = self.find(path)
        if not isinstance(node, Directory):
            raise fail(errno.ENOTDIR, path)
        return node

    def read(self, path: str) -> bytes:
        node = self.find(path)
        if isinstance(node, Directory):
            raise fail(errno.EISDIR, path)
        return node.content() if isinstance(node, File) else b""

    def names(self, path: str) -> list[str]:
        return sorted(self.directory(path).look())

    def walk(self, path: str) -> Iterator[tuple[str, Node]]:
        """The path itself, then all beneath it, each directory before its content."""
        node = self.find(path, follow=False)
        yield path, node
        if isinstance(node, Directory):
            for name in sorted(node.look()):
                yield from self.walk(posixpath.join(path, name))

    # ---- changing

    def parent(self, path: str) -> tuple[str, Directory, str]:
        """(the parent's real path, the parent, the last part) of a path about to be changed."""
        head, _, name = path.rstrip("/").rpartition("/")
        if not name:
            raise fail(errno.EBUSY, path)
        if name in (".", ".."):
            raise fail(errno.EINVAL, path)
        real, node = self.locate(head or "/")
        if not isinstance(node, Directory):
            raise fail(errno.ENOTDIR, path)
        return real, node, name

    def check_writable(self, path: str) -> None:
        for place in self.read_only:
            if path == place or path.startswith(f"{place}/"):
                raise fail(errno.EROFS, path)

    def note(self, path: str) -> None:
        if self.changed is not None:
            self.changed(path)

    def _target(self, path: str, hops: int = 0) -> tuple[Directory, str, str]:
        """Where a file that is written through possible links is: (directory, name, path)."""
        real, folder, name = self.parent(path)
        full = posixpath.join(real, name)
        child = folder.look().get(name)
        if isinstance(child, Link):
            if hops >= MAX_LINKS:
                raise fail(errno.ELOOP, path)
            return self._target(posixpath.join(real, child.target), hops + 1)
        self.check_writable(full)
        return folder, name, full

    def file(self, path: str, now: float, truncate: bool = False, mode: int = 0o644) -> Node:
        """The file for writing, made if it is not there."""
        if path.endswith("/"):
            raise fail(errno.EISDIR, path)
        folder, name, full = self._target(path)
        node = folder.look().get(name)
        if isinstance(node, Directory):
            raise fail(errno.EISDIR, path)
        if node is None:
            node = folder.children[name] = File(b"", mode, now)
            folder.mtime = now
            self.note(full)
        elif truncate and isinstance(node, File):
            node.data, node.mtime = b"", now
            self.note(full)
        return node

    def real(self, path: str) -> str:
        """The path without links; also of a file that is not there yet."""
        return self._target(path)[2]

    def write(self, path: str, data: bytes, now: float, mode: int = 0o644) -> None:
        node = self.file(path, now, truncate=True, mode=mode)
        if isinstance(node, File):
            node.data, node.mtime = data, now

    def mkdir(self, path: str, now: float, mode: int = 0o755) -> Directory:
        real, folder, name = self.parent(path)
        if name in folder.look():
            raise fail(errno.EEXIST, path)
        full = posixpath.join(real, name)
        self.check_writable(full)
        made = folder.children[name] = Directory({}, mode, now)
        folder.mtime = now
        self.note(full)
        return made

    def makedirs(self, path: str, now: float) -> Directory:
        """The directory and those above it; what is there already stays."""
        here = ""
        for part in [p for p in path.split("/") if p]:
            here += f"/{part}"
            if not isinstance(self.get(here), Directory):
                self.mkdir(here, now)
        return self.directory(here or "/")

    def attach(self, path: str, node: Node, now: float = 0.0) -> None:
        """Put a node there, whatever was there: a mount, a link, a file of an image."""
        real, folder, name = self.parent(path)
        self.check_writable(posixpath.join(real, name))
        folder.look()[name] = node
        folder.mtime = now or folder.mtime
        self.note(posixpath.join(real, name))

    def remove(self, path: str, now: float = 0.0, recursive: bool = False) -> None:
        real, folder, name = self.parent(path)
        node = folder.look().get(name)
        if node is None:
            raise fail(errno.ENOENT, path)
        full = posixpath.join(real, name)
        self.check_writable(full)
        if isinstance(node, Directory) and node.look() and not recursive:
            raise fail(errno.ENOTEMPTY, path)
        del folder.children[name]
        folder.mtime = now or folder.mtime
        self.note(full)

    def rename(self, old: str, new: str, now: float) -> None:
        node = self.find(old, follow=False)
        target = self.get(new)
        if isinstance(target, Directory) and target.look():
            raise fail(errno.ENOTEMPTY, new)
        self.remove(old, now, recursive=True)
        self.attach(new, node, now)
        if isinstance(node, Directory) and self.changed is not None:
            for path, _ in self.walk(new):
                self.changed(path)
