"""SPDY/3.1 frames: the part that kubectl's port-forward (and old kubectls' exec) speak.

One Session is one connection: bytes in, events out; bytes to send collect in `outgoing`. Not here:
who carries the bytes, priorities, server push. Models github.com/moby/spdystream.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW = (
    1, 2, 3, 4, 6, 7, 8, 9)  # fmt: skip
FIN = 1
MAX_DATA = 16 * 1024
MAX_FRAME = 16 * 1024 * 1024
# The specification's dictionary, as length-prefixed words and the text that follows them.
_TEXT = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base "
    "content-encoding content-language content-length content-location content-md5 "
    "content-range content-type date etag expect expires from host if-match if-modified-since "
    "if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer "
    "transfer-encoding upgrade user-agent vary via warning www-authenticate method get status"
)
WORDS = _TEXT.split()
REST = (
    ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"),
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unaut"
    "horized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Un"
    "availableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri,"
    " Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/x"
    "html+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8char"
    "set=iso-8859-1,utf-,*,enq=0.",
)


def _dictionary() -> bytes:
    words = [*WORDS, *REST[0]]
    out = b"".join(struct.pack(">I", len(w)) + w.encode() for w in words)
    return out + REST[1].encode()


DICTIONARY = _dictionary()


class SpdyError(Exception):
    """The other side does not speak SPDY/3.1."""


@dataclass(slots=True)
class Opened:
    stream: int
    headers: dict[str, str]
    ended: bool


@dataclass(slots=True)
class Data:
    """`ended`: the other side sends no more on this stream."""

    stream: int
    data: bytes
    ended: bool


@dataclass(slots=True)
class Reset:
    stream: int


Event = Opened | Data | Reset


@dataclass(slots=True)
class Session:
    """The server's side: its own streams have even numbers, and it opens none."""

    outgoing: bytearray = field(default_factory=bytearray)
    closing: bool = False
    _incoming: bytearray = field(default_factory=bytearray)
    _inflate: zlib._Decompress = field(default_factory=lambda: zlib.decompressobj(zdict=DICTIONARY))
    _deflate: zlib._Compress = field(default_factory=lambda: zlib.compressobj(zdict=DICTIONARY))

    # ---- receiving

    def receive(self, data: bytes) -> list[Event]:
        """Raises SpdyError."""
        self._incoming += data
        events: list[Event] = []
        while len(self._incoming) >= 8:
            head, rest = struct.unpack(">II", self._incoming[:8])
            flags, length = rest >> 24, rest & 0xFFFFFF
            if length > MAX_FRAME:
                raise SpdyError("frame too large")
            if len(self._incoming) < 8 + length:
                break
            body = bytes(self._incoming[8 : 8 + length])
            del self._incoming[: 8 + length]
            if head & 0x80000000:
                events += self._control(head & 0xFFFF, flags, body)
            else:
                events.append(Data(head, body, bool(flags & FIN)))
                self._acknowledge(head, length)
        return events

    def _control(self, kind: int, flags: int, body: bytes) -> list[Event]:
        if kind == SYN_STREAM and len(body) >= 10:
            stream = struct.unpack(">I", body[:4])[0] & 0x7FFFFFFF
            return [Opened(stream, self._headers(body[10:]), bool(flags & FIN))]
        if kind == RST_STREAM and len(body) >= 4:
            return [Reset(struct.unpack(">I", body[:4])[0] & 0x7FFFFFFF)]
        if kind == PING and len(body) >= 4:
            self._frame(PING, 0, body[:4])
        if kind == GOAWAY:
            self.closing = True
        if kind == HEADERS and len(body) >= 4:
            self._headers(body[4:])  # keeps the compression in step
        return []

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            raw = self._inflate.decompress(block)
            count, at = struct.unpack(">I", raw[:4])[0], 4
            words = []
            for _ in range(2 * count):
                size = struct.unpack(">I", raw[at : at + 4])[0]
                words.append(raw[at + 4 : at + 4 + size].decode())
                at += 4 + size
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError("bad header block") from error
        return dict(zip(words[::2], words[1::2]))

    # ---- sending

    def _frame(self, kind: int, flags: int, body: bytes) -> None:
        self.outgoing += struct.pack(">HHI", 0x8003, kind, flags << 24 | len(body)) + body

    def _acknowledge(self, stream: int, length: int) -> None:
        """Flow control: what was received may be sent again."""
        if length:
            self._frame(WINDOW, 0, struct.pack(">II", stream, length))

    def reply(self, stream: int, headers: dict[str, str] | None = None) -> None:
        raw = struct.pack(">I", len(headers or {}))
        for name, value in (headers or {}).items():
            for word in (name.lower().encode(), value.encode()):
                raw += struct.pack(">I", len(word)) + word
        block = self._deflate.compress(raw) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        self._frame(SYN_REPLY, 0, struct.pack(">I", stream) + block)

    def send(self, stream: int, data: bytes, end: bool = False) -> None:
        for at in range(0, len(data), MAX_DATA) or ([0] if end else []):
            piece = data[at : at + MAX_DATA]
            last = end and at + MAX_DATA >= len(data)
            head = struct.pack(">II", stream, (FIN if last else 0) << 24 | len(piece))
            self.outgoing += head + piece

    def reset(self, stream: int, status: int = 5) -> None:
        self._frame(RST_STREAM, 0, struct.pack(">II", stream, status))

    def go_away(self) -> None:
        self._frame(GOAWAY, 0, struct.pack(">II", 0, 0))

    def taken(self) -> bytes:
        """What is to be sent now."""
        data = bytes(self.outgoing)
        self.outgoing.clear()
        return data
