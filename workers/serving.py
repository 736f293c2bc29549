"""The API port: an ASGI application over TLS, with the client's certificate in its scope.

`scope["client_cert"]` is (common name, [organizations]) of a certificate that our authority
signed; without one the key is missing. `scope["foreign_cert"]` says that there was one which it
did not sign. uvicorn by default; Daphne with ORRERY_API_SERVER=daphne.
"""

from __future__ import annotations

import logging
import ssl
from asyncio import BaseTransport, Transport
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.peers import Verifier, ask_without_judging

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
# As long as Go's http.Transport keeps an idle connection, and a little more, so that no client
# sends its next request into a connection that is being closed.
KEEP_ALIVE = 120
BACKLOG = 2048
END_WITHIN = 2  # seconds that open watches get when the server stops


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen and with which certificates (a kubeadm pki folder)."""

    host: str
    port: int
    pki: Path

    @property
    def certificate(self) -> Path:
        return self.pki / "apiserver.crt"

    @property
    def key(self) -> Path:
        return self.pki / "apiserver.key"

    @property
    def authority(self) -> Path:
        return self.pki / "ca.crt"


def serve_uvicorn(app: App, listener: Listener) -> None:
    """Until SIGTERM."""
    import uvicorn

    http, websocket = _protocols(Verifier(listener.authority))
    config = uvicorn.Config(
        app,
        host=listener.host,
        port=listener.port,
        http=http,
        ws=websocket,
        ws_per_message_deflate=False,
        loop="uvloop",
        lifespan="auto",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=END_WITHIN,
        ssl_certfile=str(listener.certificate),
        ssl_keyfile=str(listener.key),
        ssl_ca_certs=str(listener.authority),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
    )
    config.load()
    if config.ssl is not None and not ask_without_judging(config.ssl):
        log.warning("client certificates of other authorities end the TLS handshake")
    uvicorn.Server(config).run()


def _protocols(verifier: Verifier) -> tuple[type[Any], type[Any]]:
    """uvicorn's for HTTP and for websockets, each telling the application who connected."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    def told(app: Any, transport: BaseTransport) -> Any:
        tls = transport.get_extra_info("ssl_object")
        brought = verifier.scope(tls.getpeercert(binary_form=True)) if tls else {}
        return identified(app, brought) if brought else app

    class WebsocketWithClientCertificate(WebSocketsSansIOProtocol):
        def connection_made(self, transport: BaseTransport) -> None:
            super().connection_made(transport)
            # The application chooses, also among names that the library takes for no names:
            # SPDY/3.1+portforward.k8s.io.
            self.conn.process_subprotocol = lambda headers: None  # type: ignore[method-assign]
            self.app = told(self.app, transport)

    class WithClientCertificate(HttpToolsProtocol):
        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app = told(self.app, transport)

    return WithClientCertificate, WebsocketWithClientCertificate


def identified(app: App, brought: dict[str, Any]) -> App:
    """The application as one connection sees it."""

    async def wrapped(scope: Scope, receive: Any, send: Any) -> None:
        scope.update(brought)
        await app(scope, receive, send)

    return wrapped


def serve_daphne(app: App, listener: Listener) -> None:
    """Until SIGTERM, on Twisted, whose TLS asks for a certificate without requiring one."""
    from daphne.server import Server
    from OpenSSL import crypto

    from workers.twistedtls import install

    verifier = Verifier(listener.authority)

    class WithClientCertificate(Server):
        def create_application(self, protocol: Any, scope: Scope) -> Any:
            transport = getattr(protocol, "transport", None) or protocol.channel.transport
            ask = getattr(transport, "getPeerCertificate", None)
            certificate = ask() if ask is not None else None
            if certificate is not None:
                der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
                scope.update(verifier.scope(der))
            return super().create_application(protocol, scope)

    endpoint = install(listener)
    WithClientCertificate(
        app, endpoints=[endpoint], signal_handlers=True, server_name="", verbosity=0
    ).run()


SERVERS: dict[str, Callable[[App, Listener], None]] = {
    "uvicorn": serve_uvicorn,
    "daphne": serve_daphne,
}
