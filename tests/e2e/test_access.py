"""People, service accounts and strangers at the API port, over TLS with the real kubectl."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.machinery import pki
from tests.e2e.instance import Orrery, eventually

REQUEST = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: jane}}
spec: {{request: {request}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}}
"""


def nobody(orrery: Orrery) -> list[str]:
    """kubectl's flags without the administrator's credentials."""
    authority = orrery.data / "pki" / "ca.crt"
    where = f"--server=https://127.0.0.1:{orrery.api_port}"
    return ["--kubeconfig=/dev/null", where, f"--certificate-authority={authority}"]


def as_jane(orrery: Orrery, folder: Path) -> list[str]:
    """kubectl's flags of somebody whose certificate was requested, approved and signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, plain)
    (folder / "jane.key").write_bytes(pem)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    request = base64.b64encode(signed).decode()
    orrery.kubectl("apply", "-f", "-", stdin=REQUEST.format(request=request))
    orrery.kubectl("certificate", "approve", "jane")

    def certificate() -> str:
        status = orrery.get("csr", "jane")["status"]
        return str(status.get("certificate", ""))

    (folder / "jane.crt").write_bytes(base64.b64decode(eventually(certificate, what="signed")))
    orrery.kubectl("delete", "csr", "jane")
    key_file, certificate_file = folder / "jane.key", folder / "jane.crt"
    own = [f"--client-key={key_file}", f"--client-certificate={certificate_file}"]
    return [*nobody(orrery), *own]


def stranger(orrery: Orrery, folder: Path) -> int:
    """The status that a certificate of another authority is answered with."""
    pki.ensure(folder, datetime.now(UTC))
    context = ssl.create_default_context(cafile=str(orrery.data / "pki" / "ca.crt"))
    context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{orrery.api_port}/api", context=context):
            return 200
    except urllib.error.HTTPError as error:
        return error.code


def test_an_approved_certificate_logs_in_and_has_the_rights_of_its_roles(
    orrery: Orrery, tmp_path: Path
) -> None:
    flags = as_jane(orrery, tmp_path)
    assert orrery.run("get", "pods", *flags).stderr.strip() == (
        'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource '
        '"pods" in API group "" in the namespace "default"'
    )
    orrery.kubectl("create", "rolebinding", "jane", "--clusterrole=view", "--user=jane")
    assert orrery.run("get", "pods", *flags).returncode == 0
    assert orrery.run("auth", "can-i", "get", "secrets", *flags).stdout.strip() == "no"
    orrery.kubectl("delete", "rolebinding", "jane")


def test_a_service_accounts_token_logs_in_until_the_account_is_gone(orrery: Orrery) -> None:
    orrery.kubectl("create", "serviceaccount", "ci")
    token = orrery.kubectl("create", "token", "ci").strip()
    flags = [*nobody(orrery), f"--token={token}"]
    said = orrery.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", *flags)
    assert said == "system:serviceaccount:default:ci"
    orrery.kubectl("delete", "serviceaccount", "ci")
    refused = orrery.run("get", "pods", *flags)
    assert "You must be logged in to the server" in refused.stderr


def test_a_strangers_certificate_gets_an_answer(orrery: Orrery, tmp_path: Path) -> None:
    assert stranger(orrery, tmp_path) == 401
