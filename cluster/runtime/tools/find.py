"""find: -name -iname -path -type -maxdepth -mindepth -empty -size -newer -exec -delete -print0."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from cluster.runtime.fs.nodes import Device, Directory, File, Link, Node
from cluster.runtime.kernel import Leave, Main, Process, Run
from cluster.runtime.shell.patterns import matches
from cluster.runtime.tools.processes import launch

KINDS = {"f": File, "d": Directory, "l": Link, "c": Device}


@dataclass(slots=True)
class _Wanted:
    """`tests` are (name, value, negated), in groups that -o separates."""

    tests: list[list[tuple[str, str, bool]]] = field(default_factory=lambda: [[]])
    deepest: int = 1 << 30
    shallowest: int = 0
    command: list[str] = field(default_factory=list)
    batch: bool = False
    delete: bool = False
    end: str = "\n"


def find(process: Process, arguments: list[str]) -> Run:
    rest = list(arguments)
    roots = []
    while rest and not rest[0].startswith(("-", "(", "!")):
        roots.append(rest.pop(0))
    wanted = _parse(process, rest)
    status = 0
    found: list[str] = []
    for root in roots or ["."]:
        base = process.path(root)
        try:
            walked = list(process.kernel.fs.walk(posixpath.normpath(base)))
        except OSError as error:
            process.error(f"{root}: {error.strerror}")
            status = 1
            continue
        for path, node in walked:
            inner = path[len(posixpath.normpath(base)) :].strip("/")
            depth = inner.count("/") + 1 if inner else 0
            shown = posixpath.join(root, inner) if inner else root
            if wanted.shallowest <= depth <= wanted.deepest and _fits(process, wanted, shown, node):
                found.append(shown)
    return (yield from _act(process, wanted, found)) or status


def _parse(process: Process, rest: list[str]) -> _Wanted:
    wanted = _Wanted()
    negated = False
    while rest:
        word = rest.pop(0)
        if word in ("!", "-not"):
            negated = True
            continue
        if word in ("-o", "-or"):
            wanted.tests.append([])
        elif word in ("-maxdepth", "-mindepth") and rest:
            value = int(rest.pop(0))
            if word == "-maxdepth":
                wanted.deepest = value
            else:
                wanted.shallowest = value
        elif word == "-exec":
            while rest and rest[0] not in (";", "+"):
                wanted.command.append(rest.pop(0))
            wanted.batch = rest[:1] == ["+"]
            rest = rest[1:]
        elif word == "-delete":
            wanted.delete = True
        elif word == "-print0":
            wanted.end = "\0"
        elif word in ("-name", "-iname", "-path", "-type", "-size", "-newer", "-mtime", "-mmin"):
            if not rest:
                process.error(f"{word} requires an argument")
                raise Leave(1)
            wanted.tests[-1].append((word, rest.pop(0), negated))
        elif word == "-empty":
            wanted.tests[-1].append((word, "", negated))
        elif word not in ("(", ")", "-a", "-and", "-print"):
            process.error(f"unrecognized: {word}")
            raise Leave(1)
        negated = False
    return wanted


def _fits(process: Process, wanted: _Wanted, shown: str, node: Node) -> bool:
    return any(
        all(_passes(process, test, value, shown, node) != negated for test, value, negated in group)
        for group in wanted.tests
    )


def _passes(process: Process, test: str, value: str, shown: str, node: Node) -> bool:
    name = posixpath.basename(shown.rstrip("/")) or shown
    if test == "-name":
        return matches(value, name)
    if test == "-iname":
        return matches(value.lower(), name.lower())
    if test == "-path":
        return matches(value, shown)
    if test == "-type":
        return isinstance(node, KINDS.get(value, File))
    if test == "-empty":
        return not (node.look() if isinstance(node, Directory) else
                    node.content() if isinstance(node, File) else b"x")  # fmt: skip
    if test == "-newer":
        other = process.kernel.fs.get(process.path(value))
        return other is not None and node.mtime > other.mtime
    if test in ("-mtime", "-mmin"):
        unit = 86400 if test == "-mtime" else 60
        return _compare(int((process.kernel.now - node.mtime) // unit), value)
    return _size(node, value)


def _compare(number: int, value: str) -> bool:
    limit = int(value.lstrip("+-"))
    return number > limit if value[0] == "+" else number < limit if value[0] == "-" else (
        number == limit)  # fmt: skip


def _size(node: Node, value: str) -> bool:
    units = {"c": 1, "k": 1024, "M": 1 << 20, "G": 1 << 30}
    unit = units.get(value[-1], 512)
    size = len(node.content()) if isinstance(node, File) else 0
    return _compare(-(-size // unit), value.rstrip("ckMGb"))


def _act(process: Process, wanted: _Wanted, found: list[str]) -> Run:
    if wanted.delete:
        for path in reversed(found):
            process.kernel.fs.remove(process.path(path), process.kernel.now)
        return 0
    if wanted.command and wanted.batch:
        words = [w for c in wanted.command for w in (found if c == "{}" else [c])]
        child = launch(process, words) if found else None
        return (yield from process.wait([child])) if child is not None else 0
    for path in found:
        if not wanted.command:
            process.say(path + wanted.end)
            continue
        child = launch(process, [w.replace("{}", path) for w in wanted.command])
        if child is not None:
            yield from process.wait([child])
    return 0


TOOLS: dict[str, Main] = {"find": find}
