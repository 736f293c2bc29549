"""ls, mkdir, rmdir, pwd, du, stat, tree."""

from __future__ import annotations

import posixpath
from datetime import UTC, datetime

from cluster.runtime.fs.nodes import Device, Directory, File, Link, Node
from cluster.runtime.kernel import Main, Process
from cluster.runtime.tools.files import tried
from cluster.runtime.tools.options import parse


def kind(node: Node) -> str:
    return {Directory: "d", Link: "l", Device: "c"}.get(type(node), "-")


def permissions(node: Node) -> str:
    letters = "".join("rwxrwxrwx"[i] if node.mode & (256 >> i) else "-" for i in range(9))
    if node.mode & 0o1000:
        letters = letters[:-1] + "t"
    return kind(node) + letters


def size_of(node: Node) -> int:
    if isinstance(node, File):
        return len(node.content())
    return (
        len(node.target) if isinstance(node, Link) else 4096 if isinstance(node, Directory) else 0
    )


def _human(size: int) -> str:
    value, units = float(size), ["", "K", "M", "G"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        del units[0]
    return f"{value:.1f}{units[0]}" if units[0] else f"{size}"


def stamp(moment: float, now: float) -> str:
    when = datetime.fromtimestamp(moment, UTC)
    if abs(now - moment) > 15_768_000:
        return when.strftime("%b %e  %Y")
    return when.strftime("%b %e %H:%M")


def ls(process: Process, arguments: list[str]) -> int:
    options, names = parse(
        process, arguments, "1AaCdFhHiklLnpRrSstuxX",
        {"all": "a", "color": "x", "almost-all": "A", "human-readable": "h"},
    )  # fmt: skip
    status = 0
    files: list[tuple[str, Node]] = []
    folders: list[str] = []
    for name in names or ["."]:
        path = process.path(name)
        node = process.kernel.fs.get(path, follow="l" not in options)
        if node is None:
            process.error(f"{name}: No such file or directory")
            status = 1
        elif isinstance(node, Directory) and "d" not in options:
            folders.append(name)
        else:
            files.append((name, node))
    _listing(process, files, options)
    many = len(folders) + len(files) > 1 or "R" in options
    for at, name in enumerate(folders):
        _folder(process, name, options, many, bool(files) or at > 0)
    return status


def _folder(process: Process, name: str, options: dict[str, str], many: bool, gap: bool) -> None:
    if many:
        process.say(f"{chr(10) if gap else ''}{name}:\n")
    fs = process.kernel.fs
    folder = fs.directory(process.path(name))
    found: list[tuple[str, Node]] = sorted(folder.look().items())
    if not set(options) & set("aA"):
        found = [(n, node) for n, node in found if not n.startswith(".")]
    if "a" in options:
        found = [(".", folder), ("..", folder), *found]
    if "l" in options:
        process.line(f"total {sum((size_of(n) + 1023) // 1024 for _, n in found)}")
    _listing(process, found, options)
    if "R" in options:
        for child, node in found:
            if isinstance(node, Directory) and child not in (".", ".."):
                _folder(process, posixpath.join(name, child), options, True, True)


def _listing(process: Process, found: list[tuple[str, Node]], options: dict[str, str]) -> None:
    if "t" in options:
        found = sorted(found, key=lambda f: -f[1].mtime)
    if "S" in options:
        found = sorted(found, key=lambda f: -size_of(f[1]))
    if "r" in options:
        found = found[::-1]
    if "l" in options or "n" in options:
        _long(process, found, options)
        return
    shown = [_marked(name, node, options) for name, node in found]
    out = process.fds.get(1)
    if out is not None and out.is_tty and "1" not in options:
        _columns(process, shown)
        return
    for name in shown:
        process.line(name)


def _marked(name: str, node: Node, options: dict[str, str]) -> str:
    if "F" in options or ("p" in options and isinstance(node, Directory)):
        executable = isinstance(node, File) and node.mode & 0o111
        mark = {Directory: "/", Link: "@"}.get(type(node), "*" if executable else "")
        return name + mark
    return name


def _columns(process: Process, names: list[str], width: int = 80) -> None:
    if not names:
        return
    column = max(map(len, names)) + 2
    across = max(1, width // column)
    rows = (len(names) + across - 1) // across
    for row in range(rows):
        process.line("".join(n.ljust(column) for n in names[row::rows]).rstrip())


def _long(process: Process, found: list[tuple[str, Node]], options: dict[str, str]) -> None:
    rows = []
    for name, node in found:
        links = 2 if isinstance(node, Directory) else 1
        size = _human(size_of(node)) if "h" in options else str(size_of(node))
        arrow = f" -> {node.target}" if isinstance(node, Link) else ""
        when = stamp(node.mtime or process.kernel.born, process.kernel.now)
        rows.append((permissions(node), links, size, when, _marked(name, node, options) + arrow))
    if process.kernel.flavour == "busybox":
        for mode, links, size, when, name in rows:
            process.line(f"{mode}    {links} root     root      {size:>8} {when} {name}")
        return
    wide = max((len(r[2]) for r in rows), default=1)
    for mode, links, size, when, name in rows:
        process.line(f"{mode} {links} root root {size:>{wide}} {when} {name}")


def mkdir(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "m:pv", {"parents": "p", "mode": "m"})
    if not names:
        process.error("missing operand")
        return 1
    fs, now, status = process.kernel.fs, process.kernel.now, 0
    mode = int(options["m"], 8) if "m" in options else 0o777 & ~process.umask
    for name in names:
        path = process.path(name)
        if "p" in options:
            status |= tried(process, name, "can't create directory", fs.makedirs, path, now)
        else:
            status |= tried(process, name, "can't create directory", fs.mkdir, path, now, mode)
    return status


def rmdir(process: Process, arguments: list[str]) -> int:
    status = 0
    for name in [a for a in arguments if not a.startswith("-")]:
        path = process.path(name)
        node = process.kernel.fs.get(path)
        if node is not None and not isinstance(node, Directory):
            process.error(f"'{name}': Not a directory")
            status = 1
            continue
        status |= tried(process, name, "", process.kernel.fs.remove, path, process.kernel.now)
    return status


def pwd(process: Process, arguments: list[str]) -> int:
    process.line(process.cwd)
    return 0


def du(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "achksmxd:")
    for name in names or ["."]:
        total = 0
        lines = []
        try:
            for path, node in process.kernel.fs.walk(process.path(name)):
                total += (size_of(node) + 1023) // 1024
                if isinstance(node, Directory):
                    lines.append(path)
        except OSError as error:
            process.error(f"{name}: {error.strerror}")
            return 1
        shown = _human(total * 1024) if "h" in options else str(total)
        process.line(f"{shown}\t{name}")
    return 0


def stat(process: Process, arguments: list[str]) -> int:
    options, names = parse(process, arguments, "c:fLt", {"format": "c"})
    status = 0
    for name in names:
        node = process.kernel.fs.get(process.path(name), follow="L" in options)
        if node is None:
            process.error(f"can't stat '{name}': No such file or directory")
            status = 1
            continue
        if "c" in options:
            process.line(_formatted(process, options["c"], name, node))
            continue
        what = {"d": "directory", "l": "symbolic link", "c": "character special file"}
        when = datetime.fromtimestamp(node.mtime or process.kernel.born, UTC)
        stamped = when.strftime("%Y-%m-%d %H:%M:%S.000000000 +0000")
        process.say(
            f"  File: {name}\n  Size: {size_of(node):<10}\tBlocks: {size_of(node) // 512:<10} "
            f"IO Block: 4096   {what.get(kind(node), 'regular file')}\n"
            f"Device: 35h/53d\tInode: {abs(hash(name)) % 10**6:<11} Links: 1\n"
            f"Access: ({node.mode:04o}/{permissions(node)})  Uid: (    0/    root)   "
            f"Gid: (    0/    root)\nAccess: {stamped}\nModify: {stamped}\nChange: {stamped}\n"
        )
    return status


def _formatted(process: Process, template: str, name: str, node: Node) -> str:
    words = {"dl-c"[i]: w for i, w in enumerate(
        ("directory", "symbolic link", "regular file", "character special file"))}  # fmt: skip
    values = {"%n": name, "%s": str(size_of(node)), "%a": f"{node.mode:o}", "%A": permissions(node),
              "%U": "root", "%G": "root", "%u": "0", "%g": "0", "%F": words[kind(node)],
              "%Y": str(int(node.mtime or process.kernel.born)), "%h": "1"}  # fmt: skip
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template


def tree(process: Process, arguments: list[str]) -> int:
    name = next((a for a in arguments if not a.startswith("-")), ".")
    process.line(name)
    counts = [0, 0]
    _branch(process, process.path(name), "", counts)
    process.say(f"\n{counts[0]} directories, {counts[1]} files\n")
    return 0


def _branch(process: Process, path: str, indent: str, counts: list[int]) -> None:
    children = sorted(process.kernel.fs.directory(path).look().items())
    for at, (name, node) in enumerate(children):
        last = at == len(children) - 1
        process.line(f"{indent}{'└── ' if last else '├── '}{name}")
        counts[not isinstance(node, Directory)] += 1
        if isinstance(node, Directory):
            deeper = indent + ("    " if last else "│   ")
            _branch(process, posixpath.join(path, name), deeper, counts)


TOOLS: dict[str, Main] = {
    "du": du, "ls": ls, "mkdir": mkdir, "pwd": pwd, "rmdir": rmdir, "stat": stat, "tree": tree,
}  # fmt: skip
