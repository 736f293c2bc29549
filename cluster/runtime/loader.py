"""From a command's words to the program that runs: PATH, tools, scripts and their `#!` lines."""

from __future__ import annotations

import posixpath

from cluster.runtime.fs.nodes import File, is_executable
from cluster.runtime.kernel import Main, Process
from cluster.runtime.tools import TOOLS

# How a file says that it is one of our tools; its name follows, so copies work too.
MAGIC = b"\x7fELF\x02\x01\x01orrery:"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELLS = ("sh", "bash", "ash", "dash")


def binary(tool: str) -> bytes:
    return MAGIC + tool.encode() + b"\n"


def find(process: Process, name: str, path: str) -> str:
    """Where the command is, or ""."""
    fs = process.kernel.fs
    if "/" in name:
        full = process.path(name)
        node = fs.get(full)
        return full if node is not None and is_executable(node) else ""
    known = process.kernel.hashed.get((path, name), "")
    if known and (node := fs.get(known)) is not None and is_executable(node):
        return known
    for folder in (path or DEFAULT_PATH).split(":"):
        full = posixpath.join(folder or process.cwd, name)
        node = fs.get(full)
        if node is not None and is_executable(node):
            if folder:
                process.kernel.hashed[path, name] = full
            return full
    return ""


def load(process: Process, words: list[str], path: str) -> tuple[Main | None, list[str]]:
    """(the program or None, its argv)."""
    full = find(process, words[0], path)
    if not full:
        return None, words
    node = process.kernel.fs.find(full)
    assert isinstance(node, File)
    head = node.content()[:256]
    if head.startswith(MAGIC):
        name = head[len(MAGIC) :].partition(b"\n")[0].decode()
        if name == "busybox" and posixpath.basename(words[0]) == "busybox":
            return _busybox(process, words, path)
        return program(name), words
    if head.startswith(b"#!"):
        line = head[2:].partition(b"\n")[0].decode(errors="replace").split(None, 1)
        if line:
            again = [*line, full, *words[1:]]
            found = find(process, line[0], path)
            return load(process, again, path) if found and found != full else (None, words)
    return program("sh"), ["sh", full, *words[1:]]


def _busybox(process: Process, words: list[str], path: str) -> tuple[Main | None, list[str]]:
    if len(words) > 1:
        return load(process, words[1:], path)
    return program("busybox"), words


def program(name: str) -> Main | None:
    if name in SHELLS:
        from cluster.runtime.shell import main

        return main
    return TOOLS.get(name)
