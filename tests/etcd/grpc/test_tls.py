"""The mistakes one makes with certificates, and what the server's log says of them."""

from __future__ import annotations

import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.etcd.grpc.conftest import Etcd, eventually, needed

FOREIGN = "tls: failed to verify client certificate: x509: certificate signed by unknown authority"


def endpoint(etcd: Etcd, scheme: str = "https") -> str:
    return f"--endpoints={scheme}://127.0.0.1:{etcd.port}"


def mistake(etcd: Etcd, name: str) -> list[str]:
    authority = f"--cacert={etcd.pki / 'ca.crt'}"
    own = [
        f"--cert={etcd.pki / 'healthcheck-client.crt'}",
        f"--key={etcd.pki / 'healthcheck-client.key'}",
    ]
    foreign = [
        f"--cert={etcd.other.with_suffix('.crt')}",
        f"--key={etcd.other.with_suffix('.key')}",
    ]
    return {
        "http": [endpoint(etcd, "http")],
        "no authority": [endpoint(etcd), *own],
        "no certificate": [endpoint(etcd), authority],
        "foreign certificate": [endpoint(etcd), authority, *foreign],
    }[name]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("http", "tls: first record does not look like a TLS handshake"),
        ("no authority", "remote error: tls: bad certificate"),
        ("no certificate", "tls: client didn't provide a certificate"),
        ("foreign certificate", FOREIGN),
    ],
)
def test_a_mistake_fails_at_the_client_and_is_explained_by_the_log(
    etcd: Etcd, name: str, line: str
) -> None:
    etcdctl = needed("etcdctl", "etcd-client")
    options = ["--dial-timeout=1s", "--command-timeout=1s", "get", "x"]
    done = subprocess.run(
        [etcdctl, *mistake(etcd, name), *options],
        env={"ETCDCTL_API": "3"}, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Error: context deadline exceeded" in done.stderr
    assert {error for _, _, error in eventually(lambda: etcd.rejected)} == {line}
    assert etcd.rejected[0][0].startswith("127.0.0.1:")


def test_a_name_the_client_asked_for_is_in_the_log(etcd: Etcd) -> None:
    context = ssl.create_default_context(cafile=str(etcd.pki / "ca.crt"))
    with pytest.raises(OSError):
        urllib.request.urlopen(f"https://localhost:{etcd.port}/health", context=context, timeout=5)
    eventually(lambda: etcd.rejected)
    assert etcd.rejected[0][1:] == ("localhost", "tls: client didn't provide a certificate")


def asked(etcd: Etcd, path: str) -> bytes:
    context = ssl.create_default_context(cafile=str(etcd.pki / "ca.crt"))
    own = etcd.pki / "healthcheck-client.crt"
    context.load_cert_chain(own, own.with_suffix(".key"))
    url = f"https://127.0.0.1:{etcd.port}{path}"
    with urllib.request.urlopen(url, context=context, timeout=5) as answer:
        found: bytes = answer.read()
        return found


def test_curl_is_answered_on_the_same_port(etcd: Etcd) -> None:
    assert asked(etcd, "/health?x=1") == b'{"health":"true","reason":""}'
    assert b'"etcdserver":"3.6.6"' in asked(etcd, "/version")
    assert (
        f"etcd_debugging_mvcc_current_revision {etcd.store.revision()}\n"
        in asked(etcd, "/metrics").decode()
    )
    with pytest.raises(urllib.error.HTTPError, match="404"):
        asked(etcd, "/v2/keys")
    etcd.store.set_alarms(1)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        asked(etcd, "/health")
