"""cat, cp, mv, rm, touch, ln, readlink, chmod, tee, dd, truncate, mktemp."""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Callable, Generator
from typing import Any

from cluster.runtime.fs.nodes import Directory, File, Link, Node
from cluster.runtime.kernel import Leave, Main, Process, Run, Syscall
from cluster.runtime.tools.options import parse


def tried(
    process: Process, path: str, verb: str, work: Callable[..., Any], *arguments: Any
) -> int:  # fmt: skip
    """0, or 1 after saying why not: `name: verb 'path': reason`."""
    try:
        work(*arguments)
    except OSError as error:
        shown = f"{verb} '{path}'" if verb else path
        process.error(f"{shown}: {error.strerror}")
        return 1
    return 0


def readable(
    process: Process, names: list[str]
) -> Generator[Syscall, Any, list[tuple[str, bytes]]]:  # fmt: skip
    """(name, content) of those that can be read; says why of the others."""
    found = []
    for name in names or ["-"]:
        try:
            found.append((name, (yield from process.read_file(name))))
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
    return found


def cat(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "benstuvAE", {"number": "n"})
    status, line = 0, 1
    for name in names or ["-"]:
        try:
            file = process.descriptor(0) if name == "-" else process.open(name)
        except OSError as error:
            process.error(f"can't open '{name}': {error.strerror}")
            status = 1
            continue
        process.install(9, file)
        while data := (yield from process.read(9)):
            if "n" in options:
                lines = data.decode(errors="replace").splitlines(keepends=True)
                data = "".join(f"{line + i:6}\t{t}" for i, t in enumerate(lines)).encode()
                line += len(lines)
            process.write(data)
            yield from process.drain()
        process.close(9)
    return status


def _into(process: Process, source: str, target: str) -> str:
    """Where a file ends up that is copied or moved to `target`."""
    node = process.kernel.fs.get(process.path(target))
    path = process.path(target)
    if isinstance(node, Directory):
        return posixpath.join(path, posixpath.basename(source.rstrip("/")))
    return path


def cp(process: Process, arguments: list[str]) -> int:
    spec = "adfilnprRsTuvLPH"
    long = {"recursive": "r", "archive": "a", "force": "f", "verbose": "v", "preserve": "p"}
    options, names = parse(process, arguments, spec, long)
    sources, target = _pairs(process, names)
    recursive = bool(set(options) & set("arR"))
    status = 0
    for source in sources:
        node = process.kernel.fs.get(process.path(source))
        if node is None:
            process.error(f"can't stat '{source}': No such file or directory")
            status = 1
        elif isinstance(node, Directory) and not recursive:
            process.error(f"omitting directory '{source}'")
            status = 1
        else:
            where = _into(process, source, target)
            status |= tried(process, target, "can't create", _copy, process, source, where)
    return status


def _pairs(process: Process, names: list[str]) -> tuple[list[str], str]:
    if len(names) < 2:
        process.error("missing file operand" if not names else "missing destination operand")
        raise Leave(1)
    *sources, target = names
    folder = process.kernel.fs.get(process.path(target))
    if len(sources) > 1 and not isinstance(folder, Directory):
        process.error(f"target '{target}' is not a directory")
        raise Leave(1)
    return sources, target


def _copy(process: Process, source: str, where: str) -> None:
    fs, now = process.kernel.fs, process.kernel.now
    base = fs.locate(process.path(source))[0]
    for path, node in list(fs.walk(base)):
        target = where + path[len(base) :]
        if isinstance(node, Directory):
            if not isinstance(fs.get(target), Directory):
                fs.mkdir(target, now, node.mode)
        elif isinstance(node, File):
            fs.write(target, node.content(), now, node.mode)
        else:
            fs.attach(target, copy.copy(node), now)


def mv(process: Process, arguments: list[str]) -> int:
    _, names = parse(process, arguments, "finvTu")
    sources, target = _pairs(process, names)
    status = 0
    for source in sources:
        where = _into(process, source, target)
        if process.kernel.fs.get(process.path(source), follow=False) is None:
            process.error(f"can't rename '{source}': No such file or directory")
            status = 1
            continue
        old = process.path(source)
        rename = process.kernel.fs.rename
        status |= tried(process, source, "can't rename", rename, old, where, process.kernel.now)
    return status


def rm(process: Process, arguments: list[str]) -> int:
    long = {"recursive": "r", "force": "f", "verbose": "v"}
    options, names = parse(process, arguments, "firRvd", long)
    recursive = bool(set(options) & set("rR"))
    fs, status = process.kernel.fs, 0
    if not names and "f" not in options:
        process.error("missing operand")
        return 1
    for name in names:
        node = fs.get(process.path(name), follow=False)
        if node is None:
            if "f" not in options:
                process.error(f"can't remove '{name}': No such file or directory")
                status = 1
            continue
        if isinstance(node, Directory) and not recursive:
            process.error(f"'{name}' is a directory")
            status = 1
            continue
        work = _remover(process, name)
        status |= tried(process, name, "can't remove", work)
    return status


def _remover(process: Process, name: str) -> Callable[[], None]:
    path = process.path(name)
    return lambda: process.kernel.fs.remove(path, process.kernel.now, recursive=True)


def touch(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "acmd:t:r:", {"no-create": "c", "date": "d"})
    fs, now = process.kernel.fs, process.kernel.now
    if not names:
        process.error("missing file operand")
        return 1
    status = 0
    for name in names:
        path = process.path(name)
        node = fs.get(path)
        if node is not None:
            fs.check_writable(path)
            node.mtime = now
            fs.note(path)
        elif "c" not in options:
            mode = 0o666 & ~process.umask
            status |= tried(process, name, "", fs.file, path, now, False, mode)
    return status


def ln(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "sfnbvT", {"symbolic": "s", "force": "f"})
    if not names:
        process.error("missing file operand")
        return 1
    target = names[-1] if len(names) > 1 else posixpath.basename(names[0])
    source, fs, now = names[0], process.kernel.fs, process.kernel.now
    where = _into(process, source, target) if "n" not in options else process.path(target)
    if fs.get(where, follow=False) is not None:
        if "f" not in options:
            process.error(f"{where}: File exists")
            return 1
        fs.remove(where, now)

    def link() -> None:
        node: Node = Link(source, now) if "s" in options else fs.find(process.path(source))
        fs.attach(where, node, now)

    return tried(process, target, "", link)


def readlink(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "femnqsz")
    status = 0
    for name in names:
        path = process.path(name)
        node = process.kernel.fs.get(path, follow=False)
        if options:
            try:
                process.line(process.kernel.fs.locate(path)[0])
            except OSError:
                process.line(posixpath.normpath(path))
        elif isinstance(node, Link):
            process.line(node.target)
        else:
            status = 1
    return status


def realpath(process: Process, arguments: list[str]) -> int:
    status = 0
    for name in [a for a in arguments if not a.startswith("-")]:
        try:
            process.line(process.kernel.fs.locate(process.path(name))[0])
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
            status = 1
    return status


def chmod(process: Process, arguments: list[str]) -> int:
    rest = [a for a in arguments if a not in ("-R", "-v", "-f")]
    if len(rest) < 2:
        process.error("missing operand")
        return 1
    status = 0
    for name in rest[1:]:
        try:
            path = process.path(name)
            top = process.kernel.fs.find(path)
            real = process.kernel.fs.locate(path)[0]
            process.kernel.fs.check_writable(real)
            for each, node in process.kernel.fs.walk(real) if "-R" in arguments else [(real, top)]:
                node.mode = _mode(rest[0], node.mode, isinstance(node, Directory))
                process.kernel.fs.note(each)
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
            status = 1
        except ValueError:
            process.error(f"invalid mode '{rest[0]}'")
            return 1
    return status


def _mode(text: str, old: int, directory: bool) -> int:
    if text.isdigit():
        return int(text, 8)
    for clause in text.split(","):
        who = clause[: len(clause) - len(clause.lstrip("ugoa"))] or "a"
        operator, letters = clause[len(clause) - len(clause.lstrip("ugoa")) :][:1], ""
        letters = clause.partition(operator)[2] if operator in ("+", "-", "=") else ""
        if operator not in ("+", "-", "="):
            raise ValueError(text)
        bits = sum({"r": 4, "w": 2, "x": 1}.get(c, 0) for c in set(letters))
        if "X" in letters and (directory or old & 0o111):
            bits |= 1
        for name, shift in (("u", 6), ("g", 3), ("o", 0)):
            if name in who or "a" in who:
                keep = old & ~(7 << shift)
                if operator == "=":
                    old = keep | bits << shift
                elif operator == "+":
                    old |= bits << shift
                else:
                    old &= ~(bits << shift)
    return old


def chown(process: Process, arguments: list[str]) -> int:
    names = [a for a in arguments if not a.startswith("-")][1:]
    status = 0
    for name in names:
        if process.kernel.fs.get(process.path(name)) is None:
            process.error(f"{name}: No such file or directory")
            status = 1
    return status


def tee(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "ai", {"append": "a"})
    status = 0
    files = []
    for at, name in enumerate(names):
        try:
            process.install(10 + at, process.open(name, "a" if "a" in options else "w"))
            files.append(10 + at)
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
            status = 1
    while data := (yield from process.read()):
        for fd in (1, *files):
            process.write(data, fd)
        yield from process.drain()
    return status


def dd(process: Process, arguments: list[str]) -> Run:
    values = dict(a.split("=", 1) for a in arguments if "=" in a)
    size = _size(values.get("bs", "512"))
    count = int(values["count"]) if "count" in values else None
    process.install(9, process.open(values["if"]) if "if" in values else process.descriptor(0))
    process.install(
        10, process.open(values["of"], "w") if "of" in values else process.descriptor(1)
    )
    blocks = total = 0
    while count is None or blocks < count:
        data = yield from process.read(9, size)
        if not data:
            break
        process.write(data, 10)
        yield from process.drain(10)
        blocks, total = blocks + 1, total + len(data)
    process.say(
        f"{blocks}+0 records in\n{blocks}+0 records out\n"
        f"{total} bytes ({total / 1e6:.1f}MB) copied, 0.000100 seconds\n",
        2,
    )
    return 0


SUFFIXES = {"k": 1024, "K": 1024, "M": 1024**2, "m": 1024**2, "G": 1024**3, "g": 1024**3}


def _size(text: str) -> int:
    text = text.removesuffix("B")
    return int(text[:-1]) * SUFFIXES[text[-1]] if text[-1:] in SUFFIXES else int(text)


def truncate(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "cs:")
    for name in names:
        node = process.kernel.fs.file(process.path(name), process.kernel.now)
        if isinstance(node, File):
            size = _size(options.get("s", "0"))
            if size > 64 << 20:
                process.error(f"{name}: No space left on device")
                return 1
            node.data = node.data[:size].ljust(size, b"\0")
            process.kernel.fs.note(process.kernel.fs.real(process.path(name)))
    return 0


def mktemp(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "dqtup:")
    from hashlib import sha256

    process.kernel.look("chance")
    fs, at = process.kernel.fs, 0
    template = names[0] if names else "tmp.XXXXXX"
    base = options.get("p", "/tmp") if not template.startswith("/") else "/"
    while True:
        drawn = sha256(f"{process.kernel.seed}/{process.pid}/{at}".encode()).hexdigest()
        stem = template.rstrip("X")
        path = posixpath.join(base, stem + drawn[: len(template) - len(stem)])
        if fs.get(path) is None:
            break
        at += 1
    if "d" in options:
        fs.mkdir(path, process.kernel.now, 0o700)
    else:
        fs.file(path, process.kernel.now, mode=0o600)
    process.line(path)
    return 0


TOOLS: dict[str, Main] = {
    "cat": cat, "chgrp": chown, "chmod": chmod, "chown": chown, "cp": cp, "dd": dd, "ln": ln,
    "mktemp": mktemp, "mv": mv, "readlink": readlink, "realpath": realpath, "rm": rm, "tee": tee,
    "touch": touch, "truncate": truncate,
}  # fmt: skip
