"""A Twisted endpoint whose TLS asks the client for a certificate but takes those without one.

Daphne names its endpoints by strings; `install` teaches Twisted ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import daphne.server
from OpenSSL import SSL, crypto
from twisted.internet import endpoints, reactor, ssl

if TYPE_CHECKING:
    from workers.serving import Listener

NAME = "orrery-tls"


class _AskForCertificate(ssl.CertificateOptions):
    authority: crypto.X509

    def _makeContext(self, skipCiphers: bool = False) -> SSL.Context:
        context = super()._makeContext(skipCiphers)
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(self.authority)
        # Any is taken here: who is behind it is judged above (peers.py), and answered with 401.
        context.set_verify(SSL.VERIFY_PEER, lambda _c, _x, _e, _d, _good: True)
        context.set_client_ca_list([self.authority.get_subject()])
        context.set_session_id(b"orrery")
        return context


def _options(listener: Listener) -> _AskForCertificate:
    pair = listener.key.read_bytes() + listener.certificate.read_bytes()
    own = ssl.PrivateCertificate.loadPEM(pair)
    options = _AskForCertificate(privateKey=own.privateKey.original, certificate=own.original)
    options.authority = crypto.load_certificate(
        crypto.FILETYPE_PEM, listener.authority.read_bytes()
    )
    return options


def install(listener: Listener) -> str:
    """The endpoint's description for Daphne."""
    from_string = daphne.server.serverFromString

    def server_from_string(its_reactor: Any, description: str) -> Any:
        if description != NAME:
            return from_string(its_reactor, description)
        return endpoints.SSL4ServerEndpoint(
            reactor, listener.port, _options(listener), interface=listener.host
        )

    daphne.server.serverFromString = server_from_string
    return NAME
