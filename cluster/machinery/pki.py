"""The cluster's certificates and keys, laid out as kubeadm leaves them in its pki folder.

Makes what is missing, renews what runs out, and keeps the rest. X.509 validity is wall time, so
the caller says what time it is. Not here: the cluster's own signing API. Models
cmd/kubeadm/app/phases/certs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_VALIDITY = timedelta(days=3650)
VALIDITY = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
BACKDATE = timedelta(minutes=5)  # a client's clock may be a little behind

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class PkiError(Exception):
    """A file of the PKI cannot be used; says which one and why, in one line."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate to be: `file` without its suffix, relative to the pki folder."""

    file: str
    ca: str
    common_name: str
    organizations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # DNS names and IP addresses a server answers to
    client: bool = False
    server: bool = False


_LOCAL = ("localhost", "127.0.0.1", "::1")
_NODE = ("minikube", "192.168.49.2")
_SERVICE = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "10.96.0.1",
)
AUTHORITIES: dict[str, str] = {"ca": "minikubeCA", "etcd/ca": "etcd-ca"}
LEAVES = (
    Leaf("apiserver", "ca", "minikube", names=(*_LOCAL, *_NODE, *_SERVICE), server=True),
    Leaf("admin", "ca", "minikube-user", ("system:masters",), client=True),
    Leaf("etcd/server", "etcd/ca", "minikube", names=(*_LOCAL, *_NODE), client=True, server=True),
    Leaf("etcd/peer", "etcd/ca", "minikube", names=(*_LOCAL, *_NODE), client=True, server=True),
    Leaf("etcd/healthcheck-client", "etcd/ca", "kube-etcd-healthcheck-client", client=True),
)


def ensure(folder: Path, now: datetime, extra_names: Iterable[str] = ()) -> list[str]:
    """Make or renew what is needed; returns the names of the files made. Raises PkiError."""
    made: list[str] = []
    for name, subject in AUTHORITIES.items():
        if not _present(folder, name):
            _make_authority(folder, name, subject, now)
            made.append(name)
    for leaf in LEAVES:
        names = (*leaf.names, *extra_names) if leaf.server else leaf.names
        if _must_make(folder, leaf, names, now):
            _make_leaf(folder, leaf, names, now)
            made.append(leaf.file)
    if not (folder / "sa.key").exists():
        _make_service_account_keys(folder)
        made.append("sa")
    return made


def _present(folder: Path, name: str) -> bool:
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    if certificate.exists() != key.exists():
        missing = key if certificate.exists() else certificate
        raise PkiError(f"{missing} is missing; remove {folder} to have a new PKI made")
    return certificate.exists()


def _must_make(folder: Path, leaf: Leaf, names: tuple[str, ...], now: datetime) -> bool:
    if not (folder / f"{leaf.file}.crt").exists() or not (folder / f"{leaf.file}.key").exists():
        return True
    certificate = load_certificate(folder / f"{leaf.file}.crt")
    authority = load_certificate(folder / f"{leaf.ca}.crt")
    load_key(folder / f"{leaf.file}.key")
    return (
        certificate.not_valid_after_utc - now < RENEW_BEFORE
        or _key_id(certificate, x509.AuthorityKeyIdentifier) != _public_id(authority)
        or not set(names) <= _names_of(certificate)
    )


def load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PkiError(f"{path} is not a readable certificate: {_reason(error)}") from error


def load_key(path: Path) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PkiError(f"{path} is not a readable private key: {_reason(error)}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise PkiError(f"{path} is neither an EC nor an RSA key")
    return key


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "cannot be read"
    return "its content is damaged"


def _names_of(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = {str(a) for a in found.get_values_for_type(x509.IPAddress)}
    return addresses | set(found.get_values_for_type(x509.DNSName))


def _key_id(certificate: x509.Certificate, kind: type[x509.AuthorityKeyIdentifier]) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def _public_id(authority: x509.Certificate) -> bytes:
    public = authority.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    return x509.SubjectKeyIdentifier.from_public_key(public).digest


# ---- making


def _name(common_name: str, organizations: Iterable[str] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime, validity: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _make_authority(folder: Path, name: str, subject: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    own = _name(subject)
    certificate = (
        _builder(own, own, key, now, CA_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_pair(folder, name, certificate, key)


def _make_leaf(folder: Path, leaf: Leaf, names: tuple[str, ...], now: datetime) -> None:
    authority = load_certificate(folder / f"{leaf.ca}.crt")
    signer = load_key(folder / f"{leaf.ca}.key")
    key = ec.generate_private_key(ec.SECP256R1())
    uses = [ExtendedKeyUsageOID.SERVER_AUTH] * leaf.server
    uses += [ExtendedKeyUsageOID.CLIENT_AUTH] * leaf.client
    subject = _name(leaf.common_name, leaf.organizations)
    builder = (
        _builder(subject, authority.subject, key, now, VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier(_public_id(authority), None, None), critical=False
        )
    )
    if names:
        alternatives = x509.SubjectAlternativeName([_general_name(n) for n in names])
        builder = builder.add_extension(alternatives, critical=False)
    _write_pair(folder, leaf.file, builder.sign(signer, hashes.SHA256()), key)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _make_service_account_keys(folder: Path) -> None:
    """RSA, since clients of service account tokens expect RS256."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(folder / "sa.pub", public, 0o644)
    _write(folder / "sa.key", _private_pem(key), 0o600)


def _private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write_pair(folder: Path, name: str, certificate: x509.Certificate, key: PrivateKey) -> None:
    _write(folder / f"{name}.key", _private_pem(key), 0o600)
    _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all: a crash never leaves half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    scratch.replace(path)
