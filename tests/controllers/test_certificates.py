"""Certificate requests, aggregated roles and the tokens in Secrets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.apiserver.authn import TokenKey
from cluster.client import Client, User, kinds
from cluster.machinery.meta import Object
from cluster.machinery.signing import Authority
from tests.controllers.harness import Harness, simple

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET = "kubernetes.io/kube-apiserver-client-kubelet"
DAY = 24 * 3600
RBAC = "rbac.authorization.k8s.io/v1"


def name(common: str, *organizations: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def authority() -> Authority:
    key, own = ec.generate_private_key(ec.SECP256R1()), name("ca")
    start = datetime(2025, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


CA = authority()


def request(subject: x509.Name) -> str:
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = csr.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


def signing_request(subject: x509.Name, signer: str = CLIENT, **spec: object) -> Object:
    body = {"request": request(subject), "signerName": signer, "usages": ["client auth"], **spec}
    return {**simple("CertificateSigningRequest", "c", "certificates.k8s.io/v1"), "spec": body}


@pytest.fixture
def cluster() -> Harness:
    controllers = ("approving", "signing", "cleaner")
    names = [f"certificatesigningrequest-{c}-controller" for c in controllers]
    return Harness(*names, authority=CA)


def decide(cluster: Harness, kind: str) -> None:
    condition = {"type": kind, "status": "True", "reason": "x", "message": "y"}

    def apply(obj: Object) -> Object:
        return {**obj, "status": {"conditions": [condition]}}

    cluster.change(kinds.SIGNING_REQUESTS, "c", apply, subresource="approval")


def status(cluster: Harness) -> Object:
    found: Object = cluster.get(kinds.SIGNING_REQUESTS, "c")["status"]
    return found


def test_what_an_administrator_approves_is_signed(cluster: Harness) -> None:
    cluster.add(signing_request(name("jane", "devs"), expirationSeconds=3600))
    assert status(cluster) == {}
    decide(cluster, "Approved")
    pem = base64.b64decode(status(cluster)["certificate"])
    signed = x509.load_pem_x509_certificate(pem)
    assert signed.subject == name("jane", "devs")
    signed.verify_directly_issued_by(CA.certificate)
    wall = datetime.fromtimestamp(cluster.now, UTC)
    assert signed.not_valid_after_utc - wall == timedelta(hours=1)


def test_what_is_denied_is_not(cluster: Harness) -> None:
    cluster.add(signing_request(name("jane")))
    decide(cluster, "Denied")
    assert "certificate" not in status(cluster)


def test_a_signer_refuses_what_it_does_not_sign(cluster: Harness) -> None:
    usages = ["digital signature", "client auth"]
    cluster.add(signing_request(name("jane", "devs"), KUBELET, usages=usages))
    decide(cluster, "Approved")
    failed = status(cluster)["conditions"][-1]
    assert (failed["type"], failed["reason"]) == ("Failed", "SignerValidationFailure")
    assert failed["message"] == "subject organization is not system:nodes"


def test_a_kubelets_own_request_is_approved_when_it_has_the_right(cluster: Harness) -> None:
    usages = ["digital signature", "client auth"]
    csr = signing_request(name("system:node:n1", "system:nodes"), KUBELET, usages=usages)
    node = Client(cluster.registry, "system:node:n1", ("system:nodes",))
    node.user = User("system:node:n1", ("system:nodes",))
    node.do_create(csr)
    cluster.settle()
    assert status(cluster) == {}
    role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
    rule = {
        "verbs": ["create"], "apiGroups": ["certificates.k8s.io"],
        "resources": ["certificatesigningrequests/selfnodeclient"],
    }  # fmt: skip
    cluster.add({**simple("ClusterRole", role, RBAC), "rules": [rule]})
    ref = {"kind": "ClusterRole", "name": role, "apiGroup": "rbac.authorization.k8s.io"}
    group = {"kind": "Group", "name": "system:nodes"}
    bound = {"roleRef": ref, "subjects": [group]}
    cluster.add({**simple("ClusterRoleBinding", "b", RBAC), **bound})
    cluster.delete(kinds.SIGNING_REQUESTS, "c")
    node.do_create(csr)
    cluster.settle()
    approved = status(cluster)["conditions"][0]
    text = "Auto approving self kubelet client certificate after SubjectAccessReview."
    assert (approved["reason"], approved["message"]) == ("AutoApproved", text)
    assert status(cluster)["certificate"]


def test_requests_do_not_stay_for_ever(cluster: Harness) -> None:
    cluster.add(signing_request(name("jane")))
    cluster.advance(DAY - 10)
    assert cluster.exists(kinds.SIGNING_REQUESTS, "c")
    cluster.advance(20)
    assert not cluster.exists(kinds.SIGNING_REQUESTS, "c")
    cluster.add(signing_request(name("jane")))
    decide(cluster, "Approved")
    cluster.advance(3590)
    assert cluster.exists(kinds.SIGNING_REQUESTS, "c")
    cluster.advance(20)
    assert not cluster.exists(kinds.SIGNING_REQUESTS, "c")


# ---- aggregated roles


def cluster_role(role: str, verb: str, **labels: str) -> Object:
    rule = {"verbs": [verb], "apiGroups": [""], "resources": ["pods"]}
    return {**simple("ClusterRole", role, RBAC, labels=labels), "rules": [rule]}


def test_an_aggregate_has_the_rules_of_its_parts() -> None:
    cluster = Harness("clusterrole-aggregation-controller")
    selector = {"matchLabels": {"into": "all"}}
    aggregate = {"aggregationRule": {"clusterRoleSelectors": [selector]}}
    cluster.add({**simple("ClusterRole", "all", RBAC), **aggregate})
    cluster.add(cluster_role("a", "get", into="all"), cluster_role("b", "list"))
    verbs = [r["verbs"] for r in cluster.get(kinds.CLUSTER_ROLES, "all")["rules"]]
    assert verbs == [["get"]]
    cluster.change(
        kinds.CLUSTER_ROLES, "b",
        lambda o: {**o, "metadata": {**o["metadata"], "labels": {"into": "all"}}},
    )  # fmt: skip
    verbs = [r["verbs"] for r in cluster.get(kinds.CLUSTER_ROLES, "all")["rules"]]
    assert verbs == [["get"], ["list"]]
    cluster.delete(kinds.CLUSTER_ROLES, "a")
    verbs = [r["verbs"] for r in cluster.get(kinds.CLUSTER_ROLES, "all")["rules"]]
    assert verbs == [["list"]]


# ---- tokens in Secrets


def test_a_token_secret_is_filled_and_goes_with_its_account() -> None:
    key = TokenKey(ec.generate_private_key(ec.SECP256R1()))
    cluster = Harness("serviceaccount-token-controller", root_ca="PEM", token_key=key)
    cluster.add(simple("ServiceAccount", "ci", namespace="default"))
    notes = {"kubernetes.io/service-account.name": "ci"}
    secret = simple("Secret", "ci-token", namespace="default", annotations=notes)
    cluster.add({**secret, "type": "kubernetes.io/service-account-token"})
    data = cluster.get(kinds.SECRETS, "ci-token")["data"]
    assert base64.b64decode(data["namespace"]) == b"default"
    assert base64.b64decode(data["ca.crt"]) == b"PEM"
    claims = key.verify(base64.b64decode(data["token"]).decode())
    assert claims["sub"] == "system:serviceaccount:default:ci"
    cluster.delete(kinds.SERVICE_ACCOUNTS, "ci")
    assert not cluster.exists(kinds.SECRETS, "ci-token")


def test_a_bootstrap_token_is_deleted_when_it_ends() -> None:
    cluster = Harness("token-cleaner-controller")
    cluster.add(simple("Namespace", "kube-system"))
    secret = simple("Secret", "bootstrap-token-abcdef", namespace="kube-system")
    ends = {"expiration": "2026-01-01T00:10:00Z"}
    cluster.add({**secret, "type": "bootstrap.kubernetes.io/token", "stringData": ends})
    cluster.advance(590)
    assert cluster.exists(kinds.SECRETS, "bootstrap-token-abcdef", "kube-system")
    cluster.advance(20)
    assert not cluster.exists(kinds.SECRETS, "bootstrap-token-abcdef", "kube-system")
