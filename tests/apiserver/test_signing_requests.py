"""CertificateSigningRequests over HTTP: who asked, who may decide, what may change."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.apiserver.conftest import Answer, Caller
from tests.apiserver.test_authorization import BOB, RBAC, binding, role

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client"


def request(common: str, *organizations: str) -> str:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = csr.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


def spec(**changes: Any) -> dict[str, Any]:
    whole = {"request": request("jane"), "signerName": CLIENT, "usages": ["client auth"]}
    return {"metadata": {"name": "c"}, "spec": {**whole, **changes}}


async def decide(api: Caller, token: str = "admin", *kinds: str) -> Answer:
    found = (await api.ask("GET", f"{PATH}/c")).json
    conditions = [{"type": k, "status": "True", "reason": "r", "message": "m"} for k in kinds]
    body = {**found, "status": {**found.get("status", {}), "conditions": conditions}}
    return await api.ask("PUT", f"{PATH}/c/approval", body, token)


async def let_bob(api: Caller, *verbs: str) -> None:
    rules = [
        {
            "verbs": ["create", "get", "update"], "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests", "certificatesigningrequests/approval"],
        },
    ]  # fmt: skip
    if verbs:
        rules.append(
            {"verbs": [*verbs], "apiGroups": ["certificates.k8s.io"], "resources": ["signers"]}
        )
    name = "csr-" + "-".join(verbs)
    await api.ask("POST", f"{RBAC}/clusterroles", role(name, rules, "ClusterRole"))
    made = binding(name, name, BOB, kind="ClusterRole")
    assert (await api.ask("POST", f"{RBAC}/clusterrolebindings", made)).status == 201


async def test_who_asked_is_recorded_whatever_he_claims(api: Caller) -> None:
    await let_bob(api)
    made = await api.ask("POST", PATH, spec(username="root", groups=["system:masters"]), "bob")
    assert made.status == 201, made.body
    found = made.json["spec"]
    assert (found["username"], found["groups"]) == ("bob", ["devs", "system:authenticated"])


async def test_deciding_needs_the_right_for_the_signer(api: Caller) -> None:
    await let_bob(api)
    await api.ask("POST", PATH, spec(), "bob")
    refused = await decide(api, "bob", "Approved")
    assert refused.json["message"] == (
        'certificatesigningrequests.certificates.k8s.io "c" is forbidden: user not permitted to '
        f'approve requests with signerName "{CLIENT}"'
    )
    await let_bob(api, "approve")
    assert (await decide(api, "bob", "Approved")).status == 200


async def test_a_decision_is_final(api: Caller) -> None:
    await api.ask("POST", PATH, spec())
    assert (await decide(api, "admin", "Approved")).status == 200
    refused = await decide(api, "admin")
    assert 'updates may not remove a condition of type "Approved"' in refused.json["message"]
    refused = await decide(api, "admin", "Approved", "Denied")
    assert "mutually exclusive" in refused.json["message"]
    found = (await api.ask("GET", f"{PATH}/c")).json
    found["spec"]["signerName"] = "example.com/other"
    after = (await api.ask("PUT", f"{PATH}/c", found)).json
    assert after["spec"]["signerName"] == CLIENT


async def test_nobody_becomes_a_master_this_way(api: Caller) -> None:
    refused = await api.ask("POST", PATH, spec(request=request("jane", "system:masters")))
    assert refused.json["message"].endswith(
        f"use of {CLIENT} signer with system:masters group is not allowed"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"request": "eA=="}, "PEM block type must be CERTIFICATE REQUEST"),
        ({"usages": []}, "spec.usages: Required value"),
        ({"usages": ["flying"]}, 'spec.usages[0]: Unsupported value: "flying"'),
        ({"signerName": "plain"}, "must be a fully qualified domain and path"),
        ({"expirationSeconds": 5}, "may not specify a duration less than 600 seconds"),
    ],
)
async def test_invalid_requests(api: Caller, changes: Any, text: str) -> None:
    refused = await api.ask("POST", PATH, spec(**changes))
    assert refused.status == 422
    assert text in refused.json["message"]
