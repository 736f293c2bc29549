"""tar, gzip, gunzip, zcat. kubectl cp is made of tar."""

from __future__ import annotations

import gzip as codec
import io
import posixpath
import tarfile
import zlib

from cluster.runtime.fs.nodes import Directory, File, Link
from cluster.runtime.kernel import Leave, Main, Process, Run
from cluster.runtime.tools.directories import permissions, size_of
from cluster.runtime.tools.options import parse

LONG = {"create": "c", "extract": "x", "list": "t", "file": "f", "directory": "C", "verbose": "v",
        "gzip": "z", "no-same-permissions": "k", "no-same-owner": "o", "overwrite": "O",
        "exclude": "X", "strip-components": "S", "same-permissions": "p"}  # fmt: skip


def tar(process: Process, arguments: list[str]) -> Run:
    rest = list(arguments)
    if rest and not rest[0].startswith("-"):
        rest[0] = f"-{rest[0]}"
    options, names = parse(process, rest, "cxtf:C:vzjJkmopOPhX:S:", LONG)
    if "C" in options:
        folder = process.kernel.fs.get(process.path(options["C"]))
        if not isinstance(folder, Directory):
            process.error(f"can't change directory to '{options['C']}': No such file or directory")
            return 1
        process.cwd = posixpath.normpath(process.path(options["C"]))
    if "c" in options:
        return (yield from _create(process, options, names))
    if set(options) & set("xt"):
        return (yield from _extract(process, options, names))
    process.error("must specify one of -c, -x, -t")
    return 1


def _create(process: Process, options: dict[str, str], names: list[str]) -> Run:
    if not names:
        process.error("empty archive")
        return 1
    buffer = io.BytesIO()
    status = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            try:
                _add(process, archive, name, options)
            except OSError as error:
                process.error(f"{name}: {error.strerror}")
                status = 1
    data = buffer.getvalue()
    if "z" in options:
        data = codec.compress(data, mtime=0)
    target = options.get("f", "-")
    if target != "-":
        process.kernel.fs.write(process.path(target), data, process.kernel.now)
        return status
    for at in range(0, len(data), 65_536):
        process.write(data[at : at + 65_536])
        yield from process.drain()
    return status


def _add(process: Process, archive: tarfile.TarFile, name: str, options: dict[str, str]) -> None:
    base = process.path(name)
    fs = process.kernel.fs
    if "h" in options:
        base = fs.locate(base)[0]
    for path, node in fs.walk(posixpath.normpath(base)):
        inner = posixpath.normpath(name) + path[len(posixpath.normpath(base)) :]
        info = tarfile.TarInfo(inner.lstrip("/"))
        info.mode, info.mtime = node.mode, int(node.mtime or process.kernel.born)
        info.uname = info.gname = "root"
        if "v" in options:
            process.say(f"{info.name}\n", 2 if options.get("f", "-") == "-" else 1)
        if isinstance(node, Directory):
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        elif isinstance(node, Link):
            info.type, info.linkname = tarfile.SYMTYPE, node.target
            archive.addfile(info)
        elif isinstance(node, File):
            content = node.content()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def _extract(process: Process, options: dict[str, str], names: list[str]) -> Run:
    data = yield from process.read_file(options.get("f", "-"))
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(process, data)
    strip = int(options.get("S", "0"))
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for info in archive:
                wanted = not names or any(
                    info.name == n or info.name.startswith(f"{n.rstrip('/')}/") for n in names
                )
                if wanted and "t" in options:
                    process.line(_listed(info, options))
                elif wanted:
                    _unpack(process, archive, info, options, strip)
    except tarfile.TarError:
        process.error("invalid tar magic" if data else "short read")
        return 1
    except OSError as error:
        process.error(f"can't open '{error.filename}': {error.strerror}")
        return 1
    return 0


def _listed(info: tarfile.TarInfo, options: dict[str, str]) -> str:
    name = info.name + "/" * info.isdir()
    if "v" not in options:
        return name
    node = Directory(mode=info.mode) if info.isdir() else File(b"", info.mode)
    return f"{permissions(node)} root/root {info.size or size_of(File()):9} {name}"


def _unpack(
    process: Process, archive: tarfile.TarFile, info: tarfile.TarInfo, options: dict[str, str],
    strip: int,
) -> None:  # fmt: skip
    parts = [p for p in info.name.split("/") if p not in ("", ".", "..")][strip:]
    if not parts:
        return
    fs, now = process.kernel.fs, process.kernel.now
    inner = "/".join(parts)
    path = process.path(inner)
    if "v" in options:
        process.line(inner)
    fs.makedirs(posixpath.dirname(path), now)
    if info.isdir():
        fs.makedirs(path, now)
    elif info.issym():
        if fs.get(path, follow=False) is not None:
            fs.remove(path, now, recursive=True)
        fs.attach(path, Link(info.linkname, now), now)
    elif info.isfile():
        stream = archive.extractfile(info)
        content = stream.read() if stream is not None else b""
        if "O" in options and "x" in options and "f" not in options:
            process.write(content)
            return
        fs.write(path, content, now, info.mode & 0o7777)
        fs.find(path).mode = info.mode & 0o7777


def _unzipped(process: Process, data: bytes) -> bytes:
    try:
        return codec.decompress(data)
    except (OSError, EOFError, zlib.error):
        process.error("invalid magic")
        raise Leave(1) from None


def gzip(process: Process, arguments: list[str]) -> Run:
    name = process.argv[0].rpartition("/")[2]
    options, names = parse(process, arguments, "cdfkqtv123456789nr")
    unpack = name in ("gunzip", "zcat") or "d" in options
    for path in names or ["-"]:
        data = yield from process.read_file(path)
        out = _unzipped(process, data) if unpack else codec.compress(data, mtime=0)
        if path == "-" or "c" in options or name == "zcat":
            process.write(out)
            yield from process.drain()
            continue
        target = path.removesuffix(".gz") if unpack else f"{path}.gz"
        process.kernel.fs.write(process.path(target), out, process.kernel.now)
        if "k" not in options:
            process.kernel.fs.remove(process.path(path), process.kernel.now)
    return 0


TOOLS: dict[str, Main] = {"gunzip": gzip, "gzip": gzip, "tar": tar, "zcat": gzip}
