"""Certificates that clients bring: ours say who they are, others do not end the handshake."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cluster.machinery import pki
from workers.peers import Verifier, ask_without_judging


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    pki.ensure(folder, datetime.now(UTC))
    return folder


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    pki.ensure(folder, datetime.now(UTC))
    return folder


def brought(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """The certificate that the server has seen when the handshake is over. Raises SSLError."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(down, up, server_hostname="localhost")
    far = server.wrap_bio(up, down, server_side=True)
    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for side in (near, far):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
        if len(done) == 2:
            break
    return far.getpeercert(binary_form=True)


def server(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
    context.load_verify_locations(folder / "ca.crt")
    return context


def client(folder: Path, trusts: Path, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(trusts / "ca.crt"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if name:
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return context


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_foreign_certificate_does_not_end_the_handshake(
    ours: Path, theirs: Path, newest: ssl.TLSVersion
) -> None:
    context, verifier = server(ours), Verifier(ours / "ca.crt")
    assert ask_without_judging(context)
    context.maximum_version = newest
    foreign = brought(context, client(theirs, ours, "admin"))
    assert foreign is not None
    assert verifier.scope(foreign) == {"foreign_cert": True}
    own = verifier.scope(brought(context, client(ours, ours, "admin")))
    assert own["client_cert"] == ("minikube-user", ["system:masters"])
    assert own["client_cert_id"].startswith("X509SHA256=")
    assert verifier.scope(brought(context, client(ours, ours, ""))) == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pyOpenSSL, which Twisted needs
def test_daphnes_tls_takes_a_foreign_certificate_too(ours: Path, theirs: Path) -> None:
    from OpenSSL import SSL, crypto

    from workers.serving import Listener
    from workers.twistedtls import _options

    far = SSL.Connection(_options(Listener("127.0.0.1", 0, ours)).getContext(), None)
    far.set_accept_state()
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = client(theirs, ours, "admin")
    near = context.wrap_bio(down, up, server_hostname="localhost")
    for _ in range(4):
        with suppress(ssl.SSLWantReadError):
            near.do_handshake()
        if sent := up.read():
            far.bio_write(sent)
        with suppress(SSL.WantReadError):
            far.do_handshake()
        with suppress(SSL.WantReadError):
            down.write(far.bio_read(65536))
    seen = far.get_peer_certificate()
    assert seen is not None
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, seen)
    assert Verifier(ours / "ca.crt").scope(der) == {"foreign_cert": True}


def test_only_what_is_made_for_clients_and_still_valid_counts(ours: Path) -> None:
    verifier = Verifier(ours / "ca.crt")
    serving = x509.load_pem_x509_certificate((ours / "apiserver.crt").read_bytes())
    der = ssl.PEM_cert_to_DER_cert((ours / "apiserver.crt").read_text())
    assert serving.subject.rfc4514_string() == "CN=minikube"
    assert verifier.scope(der) == {"foreign_cert": True}
    assert verifier.scope(b"nonsense") == {"foreign_cert": True}


def test_an_expired_certificate_is_nobodys(tmp_path: Path) -> None:
    pki.ensure(tmp_path, datetime.now(UTC) - timedelta(days=400))
    verifier = Verifier(tmp_path / "ca.crt")
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "admin.crt").read_text())
    assert verifier.scope(der) == {"foreign_cert": True}
