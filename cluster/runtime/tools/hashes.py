"""base64, md5sum, sha1sum, sha256sum, sha512sum, cksum, od, hexdump, xxd."""

from __future__ import annotations

import base64 as codec
import binascii
import hashlib
from zlib import crc32

from cluster.runtime.kernel import Main, Process, Run
from cluster.runtime.tools.files import readable
from cluster.runtime.tools.options import parse


def base64(process: Process, arguments: list[str]) -> Run:
    options, names = parse(process, arguments, "dDw:i", {"decode": "d", "wrap": "w"})
    data = yield from process.read_file(names[0] if names else "-")
    if set(options) & set("dD"):
        try:
            process.write(codec.b64decode(b"".join(data.split()), validate=True))
        except binascii.Error:
            process.error("invalid input")
            return 1
        return 0
    text = codec.b64encode(data).decode()
    width = int(options.get("w", "76"))
    if not width:
        process.say(text)
        return 0
    for at in range(0, len(text), width):
        process.line(text[at : at + width])
    return 0


def _sums(algorithm: str) -> Main:
    def run(process: Process, arguments: list[str]) -> Run:
        options, names = parse(process, arguments, "csbtw", {"check": "c", "status": "s"})
        found = yield from readable(process, names)
        if "c" in options:
            return _check(process, algorithm, found)
        for name, data in found:
            process.line(f"{hashlib.new(algorithm, data).hexdigest()}  {name}")
        return int(len(found) < len(names))

    return run


def _check(process: Process, algorithm: str, found: list[tuple[str, bytes]]) -> int:
    failed = 0
    for _, data in found:
        for line in data.decode(errors="replace").splitlines():
            digest, _, name = line.partition("  ")
            try:
                content = process.kernel.fs.read(process.path(name))
            except OSError:
                content = b""
            good = hashlib.new(algorithm, content).hexdigest() == digest
            process.line(f"{name}: {'OK' if good else 'FAILED'}")
            failed += not good
    return int(failed > 0)


def cksum(process: Process, arguments: list[str]) -> Run:
    for name, data in (yield from readable(process, arguments)):
        process.line(f"{crc32(data)} {len(data)} {name if arguments else ''}".rstrip())
    return 0


def hexdump(process: Process, arguments: list[str]) -> Run:
    """od -c, od -x, hexdump -C, xxd: sixteen bytes a line."""
    name = process.argv[0].rpartition("/")[2]
    options, names = parse(process, arguments, "ACcxbdvt:n:s:jpN:")
    for _, data in (yield from readable(process, names)):
        for at in range(0, len(data), 16):
            process.line(_dumped(name, options, at, data[at : at + 16]))
        end = {"od": f"{len(data):07o}", "hexdump": f"{len(data):08x}"}.get(name)
        if end:
            process.line(end)
    return 0


def _dumped(name: str, options: dict[str, str], at: int, piece: bytes) -> str:
    shown = "".join(chr(b) if 32 <= b < 127 else "." for b in piece)
    if name == "xxd":
        pairs = " ".join(piece[i : i + 2].hex() for i in range(0, len(piece), 2))
        return f"{at:08x}: {pairs:<39}  {shown}"
    if name == "hexdump" and "C" in options:
        left, right = (" ".join(f"{b:02x}" for b in p) for p in (piece[:8], piece[8:]))
        return f"{at:08x}  {left:<23}  {right:<23}  |{shown}|"
    if "c" in options:
        names = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 13: "\\r"}
        cells = [names.get(b, chr(b) if 32 <= b < 127 else f"{b:03o}") for b in piece]
        return f"{at:07o}" + "".join(f"{c:>4}" for c in cells)
    words = [piece[i : i + 2].ljust(2, b"\0") for i in range(0, len(piece), 2)]
    if name == "od" and "x" not in options:
        return f"{at:07o} " + " ".join(f"{int.from_bytes(w, 'little'):06o}" for w in words)
    return f"{at:07x} " + " ".join(f"{int.from_bytes(w, 'little'):04x}" for w in words)


TOOLS: dict[str, Main] = {
    "base64": base64, "cksum": cksum, "hexdump": hexdump, "md5sum": _sums("md5"), "od": hexdump,
    "sha1sum": _sums("sha1"), "sha256sum": _sums("sha256"), "sha512sum": _sums("sha512"),
    "xxd": hexdump,
}  # fmt: skip
