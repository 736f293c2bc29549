"""One POST over HTTPS, with the authority that the configuration trusts.

Synchronous: it runs where the write is prepared. Errors are worded as Go's client words them.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import socket
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from cluster.apiserver.admission.webhooks.services import Resolver, Unreachable

LIMIT = 3 * 1024 * 1024
UNKNOWN_AUTHORITY = (
    "tls: failed to verify certificate: x509: certificate signed by unknown authority"
)


class CallError(Exception):
    """`failed to call webhook: ...`"""


@lru_cache(maxsize=64)
def _context(bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if bundle:
        try:
            context.load_verify_locations(cadata=base64.b64decode(bundle).decode("ascii"))
        except (ssl.SSLError, binascii.Error, UnicodeDecodeError) as error:
            raise CallError("unable to load root certificates") from error
    return context


def _target(config: dict[str, Any], resolver: Resolver) -> tuple[str, str, int, str, str]:
    """(URL as shown, host to dial, port, server name, path)."""
    if config.get("url"):
        parts = urlsplit(config["url"])
        host, port = parts.hostname or "", parts.port or 443
        path = parts.path or "/"
        if parts.query:
            path = f"{path}?{parts.query}"
        return config["url"], host, port, host, path
    service = config["service"]
    namespace, name, port = service["namespace"], service["name"], service.get("port") or 443
    path = service.get("path") or "/"
    server = f"{name}.{namespace}.svc"
    url = f"https://{server}:{port}{path if path.startswith('/') else '/' + path}"
    host, dialled = resolver.resolve(namespace, name, port)
    return url, host, dialled, server, path


def post(config: dict[str, Any], body: Any, timeout: float, resolver: Resolver) -> Any:
    """The decoded answer. Raises CallError."""
    shown = config.get("url") or ""
    if not shown:
        service = config["service"]
        port, path = service.get("port") or 443, service.get("path") or "/"
        shown = f"https://{service['name']}.{service['namespace']}.svc:{port}{path}"
    query = f"{'&' if '?' in shown else '?'}timeout={int(timeout)}s"
    prefix = f'failed to call webhook: Post "{shown}{query}": '
    try:
        _, host, port, server, path = _target(config, resolver)
        status, reason, data = _send(
            host, port, server, f"{path}{query}", orjson.dumps(body), timeout,
            _context(config.get("caBundle") or ""),
        )  # fmt: skip
    except Unreachable as error:
        raise CallError(f"{prefix}{error}") from error
    except ssl.SSLCertVerificationError as error:
        raise CallError(f"{prefix}{_verification(error)}") from error
    except TimeoutError as error:
        raise CallError(f"{prefix}context deadline exceeded") from error
    except ConnectionRefusedError as error:
        raise CallError(f"{prefix}dial tcp {host}:{port}: connect: connection refused") from error
    except socket.gaierror as error:
        raise CallError(f"{prefix}dial tcp: lookup {host}: no such host") from error
    except (OSError, http.client.HTTPException) as error:
        raise CallError(f"{prefix}{str(error) or 'EOF'}") from error
    return _decoded(status, reason, data)


def _verification(error: ssl.SSLCertVerificationError) -> str:
    text = error.verify_message
    if "expired" in text:
        return (
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
        )
    if "ostname" in text or "IP address" in text:
        return f"tls: failed to verify certificate: x509: {text}"
    return UNKNOWN_AUTHORITY


class _Connection(http.client.HTTPSConnection):
    """Dials one address and expects the certificate of another name."""

    def __init__(
        self, host: str, port: int, server: str, timeout: float, context: ssl.SSLContext
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._server = server
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._server)


def _send(
    host: str, port: int, server: str, path: str, body: bytes, timeout: float,
    context: ssl.SSLContext,
) -> tuple[int, str, bytes]:  # fmt: skip
    connection = _Connection(host, port, server, timeout, context)
    headers = {
        "Accept": "application/json, */*",
        "Content-Type": "application/json",
        "User-Agent": "kube-apiserver-admission",
        "Host": f"{server}:{port}" if port != 443 else server,
    }
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.reason, answer.read(LIMIT)
    finally:
        connection.close()


def _decoded(status: int, reason: str, data: bytes) -> Any:
    if not 200 <= status < 300:
        text = data.decode(errors="replace").strip()
        if status == 404:
            raise CallError(
                "failed to call webhook: the server could not find the requested resource"
            )
        said = text or reason
        raise CallError(
            f'failed to call webhook: an error on the server ("{said}") has prevented the request '
            "from succeeding"
        )
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CallError(
            "failed to call webhook: couldn't get version/kind; json parse error: "
            f"invalid character: {error}"
        ) from error
