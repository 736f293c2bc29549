"""The client port: mutual TLS, ended here, since only who shakes hands knows why it failed.

Behind it HTTP/2 goes to the gRPC server's socket, byte for byte, and HTTP/1.1 gets what etcd says
to curl. What a failed handshake is called is what Go calls it, because that is what an
administrator finds in the log.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

CHUNK = 256 * 1024
HIGH = 1024 * 1024
HANDSHAKE_WITHIN = 10.0
HTTP2 = b"PRI * HTTP/2.0"
LONGEST_HEAD = 8192
NO_HANDSHAKE = "tls: first record does not look like a TLS handshake"
BAD_CERTIFICATE = "remote error: tls: bad certificate"
NO_CERTIFICATE = "tls: client didn't provide a certificate"
UNVERIFIED = "tls: failed to verify client certificate: x509: "
# What OpenSSL says, and Go's words for it. Models crypto/tls.
REASONS = {
    "HTTP_REQUEST": NO_HANDSHAKE,
    "HTTPS_PROXY_REQUEST": NO_HANDSHAKE,
    "WRONG_VERSION_NUMBER": NO_HANDSHAKE,
    "UNKNOWN_PROTOCOL": NO_HANDSHAKE,
    "RECORD_LAYER_FAILURE": NO_HANDSHAKE,
    "BAD_RECORD_TYPE": NO_HANDSHAKE,
    "PACKET_LENGTH_TOO_LONG": NO_HANDSHAKE,
    "SSLV3_ALERT_BAD_CERTIFICATE": BAD_CERTIFICATE,
    "SSL/TLS_ALERT_BAD_CERTIFICATE": BAD_CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "remote error: tls: expired certificate",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": NO_CERTIFICATE,
    "UNSUPPORTED_PROTOCOL": "tls: client offered only unsupported versions: [302 301]",
    "NO_SHARED_CIPHER": "tls: no cipher suite supported by both client and server",
}
EXPIRED, NOT_YET = 10, 9  # X509_V_ERR_*

Rejected = Callable[[str, str, str], None]  # remote address, server name, why
Answer = Callable[[str], tuple[int, str, bytes]]  # path -> status, content type, body


@dataclass(frozen=True, slots=True)
class Port:
    """What connections share."""

    context: ssl.SSLContext
    backend: Path
    rejected: Rejected
    answer: Answer


def context(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """A server that wants a certificate of its own authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(certificate, key)
    made.load_verify_locations(authority)
    made.verify_mode = ssl.CERT_REQUIRED
    # In this order: gRPC clients offer h2 alone, curl gets what is answered here.
    made.set_alpn_protocols(["http/1.1", "h2"])
    made.sni_callback = _remember_name
    return made


def _remember_name(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    tls.server_name_sent = name or ""  # type: ignore[attr-defined]


def why(error: ssl.SSLError) -> str:
    """A failed handshake in Go's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (EXPIRED, NOT_YET):
            return f"{UNVERIFIED}certificate has expired or is not yet valid"
        return f"{UNVERIFIED}certificate signed by unknown authority"
    reason = error.reason or ""
    if reason in REASONS:
        return REASONS[reason]
    return f"tls: {reason.lower().replace('_', ' ')}" if reason else "EOF"


class Connection(asyncio.Protocol):
    """One client. `_upstream` is there once it has proven who it is and speaks HTTP/2."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = port.context.wrap_bio(self._in, self._out, server_side=True)
        self._transport: asyncio.Transport
        self._upstream: asyncio.Transport | None = None
        self._waiting = bytearray()  # decrypted, until there is somebody to have it
        self._known = False
        self._chosen = False
        self._deadline: asyncio.TimerHandle
        self._dial: asyncio.Task[None] | None = None

    # ---- from the client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(HANDSHAKE_WITHIN, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        self._in.write(data)
        try:
            if not self._known:
                self._shake_hands()
            if self._known:
                self._decrypt()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except ssl.SSLError as error:
            if not self._known:
                self._reject(why(error))
            self._end()
            return
        self._flush()

    def _shake_hands(self) -> None:
        self._tls.do_handshake()
        self._known = True
        self._deadline.cancel()

    def _decrypt(self) -> None:
        while data := self._tls.read(CHUNK):
            if self._upstream is not None:
                self._upstream.write(data)
            else:
                self._waiting += data
                self._choose()
        self._end()  # close_notify

    def _choose(self) -> None:
        """HTTP/2 goes on to gRPC; anything else is answered here."""
        if self._chosen:
            return
        if self._tls.selected_alpn_protocol() == "h2" or self._waiting.startswith(HTTP2):
            self._chosen = True
            self._transport.pause_reading()
            self._dial = asyncio.get_running_loop().create_task(self._connect())
        elif b"\r\n\r\n" in self._waiting or len(self._waiting) > LONGEST_HEAD:
            self._chosen = True
            self._answer()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: Upstream(self), str(self._port.backend))
        except OSError:
            self._end()

    def upstream_made(self, upstream: asyncio.Transport) -> None:
        if self._transport.is_closing():
            upstream.abort()
            return
        upstream.set_write_buffer_limits(HIGH)
        self._upstream = upstream
        upstream.write(bytes(self._waiting))
        self._waiting.clear()
        self._transport.resume_reading()

    def _reject(self, reason: str) -> None:
        host, port = self._transport.get_extra_info("peername")[:2]
        name = getattr(self._tls, "server_name_sent", "")
        if reason != "EOF":  # etcd does not log who hung up
            self._port.rejected(
                f"[{host}]:{port}" if ":" in host else f"{host}:{port}", name, reason
            )

    def eof_received(self) -> None:
        return None

    def connection_lost(self, error: Exception | None) -> None:
        self._deadline.cancel()
        if self._dial is not None:
            self._dial.cancel()
        if self._upstream is not None:
            self._upstream.close()

    # ---- to the client

    def send(self, data: bytes) -> None:
        try:
            for at in range(0, len(data), CHUNK):
                self._tls.write(data[at : at + CHUNK])
        except ssl.SSLError:
            self._end()
            return
        self._flush()

    def _flush(self) -> None:
        if self._out.pending:
            self._transport.write(self._out.read())

    def _end(self) -> None:
        """With the alert, if there is one to send."""
        self._flush()
        self._transport.close()

    def pause_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_writing(self) -> None:
        if self._upstream is not None and not self._upstream.is_closing():
            self._upstream.resume_reading()

    def upstream_full(self, full: bool) -> None:
        if not self._transport.is_closing():
            (self._transport.pause_reading if full else self._transport.resume_reading)()

    def upstream_lost(self) -> None:
        self._end()

    def _answer(self) -> None:
        words = bytes(self._waiting).split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        path = words[1] if len(words) > 1 else "/"
        status, kind, body = self._port.answer(path.partition("?")[0])
        reason = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}[status]
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.send(head.encode() + body)
        self._end()


class Upstream(asyncio.Protocol):
    """The other half: from the gRPC server."""

    def __init__(self, client: Connection) -> None:
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client.upstream_made(cast(asyncio.Transport, transport))

    def data_received(self, data: bytes) -> None:
        self._client.send(data)

    def pause_writing(self) -> None:
        self._client.upstream_full(True)

    def resume_writing(self) -> None:
        self._client.upstream_full(False)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.upstream_lost()
