"""Certificate requests read, and certificates signed by the cluster's authority.

X.509 validity is wall time, so the caller says what time it is. Models
pkg/controller/certificates/authority and apis/certificates/v1 helpers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATE = timedelta(minutes=5)
KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
EXTENDED = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class RequestError(ValueError):
    """It is not a certificate request; the text is upstream's."""


@dataclass(frozen=True, slots=True)
class Request:
    """What signers look at."""

    common_name: str
    organizations: tuple[str, ...]
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    emails: tuple[str, ...]
    uris: tuple[str, ...]
    csr: x509.CertificateSigningRequest


def request_of(encoded: str) -> Request:
    """From spec.request (base64 of PEM). Raises RequestError."""
    try:
        pem = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError("illegal base64 data at input byte 0") from error
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in pem:
        raise RequestError("PEM block type must be CERTIFICATE REQUEST")
    try:
        csr = x509.load_pem_x509_csr(pem)
        names = [str(a.value) for a in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        found = csr.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        alternatives = _alternatives(csr)
    except ValueError as error:
        raise RequestError(f"asn1: structure error: {error}") from error
    return Request(
        common_name=names[-1] if names else "",
        organizations=tuple(str(a.value) for a in found),
        dns=tuple(alternatives.get_values_for_type(x509.DNSName)),
        addresses=tuple(str(a) for a in alternatives.get_values_for_type(x509.IPAddress)),
        emails=tuple(alternatives.get_values_for_type(x509.RFC822Name)),
        uris=tuple(alternatives.get_values_for_type(x509.UniformResourceIdentifier)),
        csr=csr,
    )


def _alternatives(csr: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName:
    try:
        return csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def is_certificate(encoded: str) -> bool:
    try:
        return bool(x509.load_pem_x509_certificates(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Authority:
    """The cluster's signing certificate and key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(
        self, request: Request, usages: Iterable[str], now: datetime, seconds: float
    ) -> tuple[bytes, datetime]:
        """(PEM, when it ends). Raises RequestError for a request whose signature is wrong."""
        if not request.csr.is_signature_valid:
            raise RequestError("x509: signature of the certificate request is not valid")
        end = min(now + timedelta(seconds=seconds), self.certificate.not_valid_after_utc)
        issuer = self.key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.csr.subject)
            .issuer_name(self.certificate.subject)
            .public_key(request.csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
        )
        builder = _with_usages(builder, tuple(usages))
        alternatives = _alternatives(request.csr)
        if list(alternatives):
            builder = builder.add_extension(alternatives, critical=False)
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM), end


def _with_usages(
    builder: x509.CertificateBuilder, usages: tuple[str, ...]
) -> x509.CertificateBuilder:
    wanted = {KEY_USAGES[u] for u in usages if u in KEY_USAGES}
    if wanted:
        bits = {name: name in wanted for name in set(KEY_USAGES.values())}
        if not bits["key_agreement"]:  # these two only mean something beside it
            bits["encipher_only"] = bits["decipher_only"] = False
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    extended = [EXTENDED[u] for u in usages if u in EXTENDED]
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    return builder
