"""Whose certificate a connection brought, and whether our authority signed it.

TLS only sees to it that the peer holds the key. A certificate of somebody else's authority must not
end the handshake: the API answers such requests with 401 Unauthorized, as kube-apiserver does.
"""

from __future__ import annotations

import ctypes
import logging
import ssl
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

log = logging.getLogger(__name__)
CLIENT_USES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
REMEMBERED = 1024  # certificates


@dataclass(frozen=True, slots=True)
class Peer:
    """`common_name` is empty for a certificate that is nobody's of ours."""

    common_name: str = ""
    organizations: tuple[str, ...] = ()
    credential: str = ""
    begins: float = 0.0
    ends: float = 0.0

    def scope(self) -> dict[str, Any]:
        """What the API server's application finds in its ASGI scope."""
        if not self.common_name or not self.begins <= time.time() < self.ends:
            return {"foreign_cert": True}
        return {
            "client_cert": (self.common_name, list(self.organizations)),
            "client_cert_id": self.credential,
        }


class Verifier:
    """Knows the certificates in an authority's PEM file."""

    def __init__(self, authority: Path) -> None:
        self._authorities = x509.load_pem_x509_certificates(authority.read_bytes())
        self._peer = lru_cache(REMEMBERED)(self._look)

    def scope(self, der: bytes | None) -> dict[str, Any]:
        """For a connection with this certificate, or with none."""
        return self._peer(der).scope() if der else {}

    def _look(self, der: bytes) -> Peer:
        try:
            certificate = x509.load_der_x509_certificate(der)
            if not self._signed(certificate) or not _for_clients(certificate):
                return Peer()
        except (ValueError, UnsupportedAlgorithm) as error:
            log.info("a client's certificate cannot be read: %s", error)
            return Peer()
        subject = certificate.subject
        names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return Peer(
            str(names[-1].value) if names else "",
            tuple(str(g.value) for g in groups),
            f"X509SHA256={sha256(der).hexdigest()}",
            certificate.not_valid_before_utc.timestamp(),
            certificate.not_valid_after_utc.timestamp(),
        )

    def _signed(self, certificate: x509.Certificate) -> bool:
        for authority in self._authorities:
            try:
                certificate.verify_directly_issued_by(authority)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return True
        return False


def _for_clients(certificate: x509.Certificate) -> bool:
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(use in CLIENT_USES for use in uses)


# ---- Python's ssl module has no way to say "ask, and let me judge"


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_accept = _Callback(lambda good, store: 1)


def ask_without_judging(context: ssl.SSLContext) -> bool:
    """Have `context` request certificates and take any; False where that cannot be had, and a
    foreign certificate then ends the handshake.

    OpenSSL can (SSL_CTX_set_verify), but CPython does not pass it on; its SSL_CTX is the first
    field behind the object's head. That this is so is checked before anything is changed.
    """
    context.verify_mode = ssl.CERT_OPTIONAL
    if sys.implementation.name != "cpython":
        return False
    import _ssl

    try:
        library = ctypes.CDLL(getattr(_ssl, "__file__", None))
        read, write = library.SSL_CTX_get_verify_mode, library.SSL_CTX_set_verify
    except (OSError, AttributeError):
        return False
    read.argtypes, read.restype = [ctypes.c_void_p], ctypes.c_int
    write.argtypes, write.restype = [ctypes.c_void_p, ctypes.c_int, _Callback], None
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    if not pointer:
        return False
    for mode, raw in ((ssl.CERT_NONE, 0), (ssl.CERT_REQUIRED, 3), (ssl.CERT_OPTIONAL, 1)):
        context.verify_mode = mode
        if read(pointer) != raw:
            return False
    write(pointer, 1, _accept)
    return True
