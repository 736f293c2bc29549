"""Connections into pods for port-forward: HTTP spoken over bytes, to what a container answers.

Not here: other protocols than HTTP; a server that does not speak it closes the connection.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

from cluster.runtime.around import Reply

HEAD_END = re.compile(rb"\r?\n\r?\n")
MAX_HEAD = 64 * 1024
Ask = Callable[[str, str, dict[str, str], bytes], Reply]


class HttpConnection:
    """A Connection. Requests are answered in the order in which they came."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._incoming = bytearray()
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._over = False

    async def send(self, data: bytes) -> None:
        if self._over:
            return
        self._incoming += data
        while not self._over and self._one():
            pass
        if len(self._incoming) > MAX_HEAD and HEAD_END.search(self._incoming) is None:
            self._finish()

    async def end(self) -> None:
        self._finish()

    async def receive(self) -> bytes:
        return await self._outgoing.get()

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self._outgoing.put_nowait(b"")

    def _one(self) -> bool:
        """Answer the first request, if it is complete."""
        match = HEAD_END.search(self._incoming)
        if match is None:
            if self._incoming and not re.match(rb"[A-Za-z]", self._incoming):
                self._finish()  # no HTTP
            return False
        lines = bytes(self._incoming[: match.start()]).decode("latin-1").split("\n")
        words = lines[0].split()
        headers = {
            name.strip().lower(): value.strip()
            for name, mark, value in (line.partition(":") for line in lines[1:])
            if mark
        }
        size = headers.get("content-length", "0")
        length = int(size) if size.isdigit() else 0
        if len(words) < 2 or len(self._incoming) < match.end() + length:
            if len(words) < 2:
                self._finish()
            return False
        body = bytes(self._incoming[match.end() : match.end() + length])
        del self._incoming[: match.end() + length]
        self._answer(words, headers, body)
        return True

    def _answer(self, words: list[str], headers: dict[str, str], body: bytes) -> None:
        try:
            reply = self._ask(words[0], words[1], headers, body)
        except OSError:
            self._finish()
            return
        if reply.status == 0:  # it does not speak HTTP
            self._finish()
            return
        close = headers.get("connection", "").lower() == "close" or words[-1] == "HTTP/1.0"
        self._outgoing.put_nowait(render(reply, words[0], close))
        if close:
            self._finish()


def render(reply: Reply, method: str, close: bool) -> bytes:
    try:
        reason = HTTPStatus(reply.status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {reply.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in _plain(reply.headers).items()]
    lines.append(f"Content-Length: {len(reply.body)}")
    lines.append(f"Connection: {'close' if close else 'keep-alive'}")
    body = b"" if method == "HEAD" else reply.body
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    own = ("content-length", "connection", "transfer-encoding")
    return {k: v for k, v in headers.items() if k.lower() not in own}
