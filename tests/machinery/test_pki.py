"""The PKI: what kubectl, etcdctl and a restart rely on."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cluster.machinery import pki

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.ensure(tmp_path / "pki", NOW)
    return tmp_path / "pki"


def test_everything_kubeadm_would_make_and_etcd_clients_need_is_there(folder: Path) -> None:
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert files >= {
        "ca.crt", "ca.key", "apiserver.crt", "admin.crt", "sa.key", "sa.pub", "etcd/ca.crt",
        "etcd/server.crt", "etcd/peer.crt", "etcd/healthcheck-client.crt",
        "etcd/healthcheck-client.key",
    }  # fmt: skip
    assert all(p.stat().st_mode & 0o077 == 0 for p in folder.rglob("*.key"))


def test_the_administrator_is_a_master_signed_by_the_cluster_authority(folder: Path) -> None:
    admin = pki.load_certificate(folder / "admin.crt")
    organizations = admin.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [o.value for o in organizations] == ["system:masters"]
    admin.verify_directly_issued_by(pki.load_certificate(folder / "ca.crt"))


def test_the_api_server_answers_to_all_names_of_the_service(folder: Path) -> None:
    certificate = pki.load_certificate(folder / "apiserver.crt")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc.cluster.local" in names.get_values_for_type(x509.DNSName)
    addresses = {str(a) for a in names.get_values_for_type(x509.IPAddress)}
    assert addresses >= {"127.0.0.1", "10.96.0.1", "192.168.49.2"}
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        folder / "apiserver.crt", folder / "apiserver.key"
    )


def test_a_second_start_keeps_everything(folder: Path) -> None:
    assert pki.ensure(folder, NOW + timedelta(days=1)) == []


def test_leaves_are_renewed_before_they_run_out(folder: Path) -> None:
    made = pki.ensure(folder, NOW + timedelta(days=340))
    assert set(made) == {leaf.file for leaf in pki.LEAVES}


def test_a_new_authority_renews_what_the_old_one_signed(folder: Path) -> None:
    (folder / "ca.crt").unlink()
    (folder / "ca.key").unlink()
    assert pki.ensure(folder, NOW) == ["ca", "apiserver", "admin"]


def test_a_new_name_for_the_server_makes_a_new_certificate(folder: Path) -> None:
    made = pki.ensure(folder, NOW, extra_names=["cluster.example"])
    assert set(made) == {"apiserver", "etcd/server", "etcd/peer"}


@pytest.mark.parametrize("file", ["ca.crt", "apiserver.crt", "admin.key"])
def test_a_damaged_file_is_named(folder: Path, file: str) -> None:
    (folder / file).write_text("nonsense")
    with pytest.raises(pki.PkiError, match=f"{file} is not a readable"):
        pki.ensure(folder, NOW)


def test_half_an_authority_is_not_replaced_silently(folder: Path) -> None:
    (folder / "ca.key").unlink()
    with pytest.raises(pki.PkiError, match=r"ca\.key is missing"):
        pki.ensure(folder, NOW)
