"""Small servers that people start by hand (httpd -f, python -m http.server), and perl's pi."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.runtime.fs.nodes import Directory, File
from cluster.runtime.kernel import Main, Process, Run, Until

Answering = Callable[[str, str], "Given"]


@dataclass(slots=True)
class Given:
    """A Reply."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


def listen(process: Process, port: int, answering: Answering, once: bool = False) -> Run:
    """Serve until killed, or for one request."""
    container = process.kernel.container
    if container is None:
        return 1
    process.kernel.look("network")
    if port in container.listening:
        process.error("bind: Address already in use")
        return 1
    served: list[str] = []

    def handle(method: str, path: str, headers: dict[str, str], body: bytes) -> Given:
        served.append(path)
        return answering(method, path)

    container.listening[port] = handle
    try:
        yield Until(lambda: bool(served) and once)
    finally:
        container.listening.pop(port, None)
    return 0


def files(process: Process, root: str) -> Answering:
    """The files under a directory, with listings."""

    def answer(method: str, path: str) -> Given:
        full = posixpath.normpath(f"{root}/{path.partition('?')[0].lstrip('/')}")
        node = process.kernel.fs.get(full)
        if isinstance(node, Directory):
            index = node.look().get("index.html")
            if isinstance(index, File):
                return Given(200, index.content())
            names = "".join(f'<li><a href="{n}">{n}</a></li>\n' for n in sorted(node.look()))
            return Given(200, f"<ul>\n{names}</ul>\n".encode())
        if isinstance(node, File):
            return Given(200, node.content())
        return Given(404, b"<h1>404 Not Found</h1>\n")

    return answer


def httpd(process: Process, arguments: list[str]) -> Run | int:
    """busybox httpd [-f] [-p PORT] [-h HOME]."""
    values = dict(zip(arguments, arguments[1:]))  # noqa: RUF007 (pairs of any two neighbours)
    port = int(values.get("-p", "80").rpartition(":")[2])
    root = process.path(values.get("-h", "."))
    if "-f" not in arguments:
        child = process.fork(process.argv)
        child.background = True
        process.kernel.start(child, lambda its, _: listen(its, port, files(its, root)))
        return 0
    return listen(process, port, files(process, root))


def python(process: Process, arguments: list[str]) -> Run | int:
    """`-m http.server`, `--version`, and `-c "print(...)"` of a plain text."""
    if arguments[:1] in (["--version"], ["-V"]):
        process.line("Python 3.14.2")
        return 0
    if arguments[:2] == ["-m", "http.server"]:
        port = next((int(a) for a in arguments[2:] if a.isdigit()), 8000)
        process.line(f"Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ...")
        return listen(process, port, files(process, process.cwd))
    if arguments[:1] == ["-c"] and len(arguments) > 1:
        match = re.fullmatch(r"\s*print\(\s*(['\"])(.*)\1\s*\)\s*;?\s*", arguments[1])
        if match:
            process.line(match[2])
            return 0
    process.error("no interpreter in simulated containers")
    return 1


def perl(process: Process, arguments: list[str]) -> int:
    """The documentation's Job: -Mbignum=bpi -wle "print bpi(2000)"."""
    match = re.search(r"print bpi\((\d+)\)", " ".join(arguments))
    if match is None:
        process.error("no interpreter in simulated containers")
        return 1
    digits = min(int(match[1]), 10_000)
    process.line(pi(digits))
    return 0


def pi(digits: int) -> str:
    """With so many significant digits, rounded. Machin's formula in integers."""
    one = 10 ** (digits + 10)

    def inverse_tangent(n: int) -> int:
        total = term = one // n
        k, sign = 3, -1
        while term:
            term //= n * n
            total += sign * (term // k)
            k, sign = k + 2, -sign
        return total

    value = 4 * (4 * inverse_tangent(5) - inverse_tangent(239))
    rounded = (value // 10**10 + 5) // 10 if digits > 1 else 3
    text = str(rounded)
    return f"{text[0]}.{text[1:]}" if digits > 1 else text


TOOLS: dict[str, Main] = {"httpd": httpd, "perl": perl, "python": python, "python3": python}
