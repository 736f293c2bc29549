"""Service account tokens: asked for, used, reviewed, and void when what they name is gone."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cluster.apiserver.authn import of_subprotocols
from cluster.apiserver.authn.jwt import NotOurs, TokenKey
from cluster.apiserver.authn.serviceaccounts import legacy_token
from cluster.machinery.clock import VirtualClock
from cluster.machinery.errors import StatusError
from tests.apiserver.conftest import TOKEN_KEY, Answer, Caller

ACCOUNTS = "/api/v1/namespaces/team/serviceaccounts"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"


async def ask(api: Caller, name: str = "default", **spec: Any) -> Answer:
    return await api.ask("POST", f"{ACCOUNTS}/{name}/token", {"spec": spec})


async def token(api: Caller, **spec: Any) -> str:
    answer = await ask(api, **spec)
    assert answer.status == 201, answer.body
    found: str = answer.json["status"]["token"]
    return found


async def review(api: Caller, text: str, **spec: Any) -> Any:
    body = {"spec": {"token": text, **spec}}
    return (await api.ask("POST", REVIEW, body)).json["status"]


def claims(text: str) -> Any:
    body = text.split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def later(api: Caller, seconds: float) -> None:
    clock = api.server.clock
    assert isinstance(clock, VirtualClock)
    clock.advance_to(clock.now() + seconds)


async def test_a_token_makes_its_bearer_the_account(api: Caller) -> None:
    text = await token(api)
    found = (await api.ask("POST", WHO, {}, text)).json["status"]["userInfo"]
    assert found["username"] == "system:serviceaccount:team:default"
    assert found["groups"] == [
        "system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated",
    ]  # fmt: skip
    jti = claims(text)["jti"]
    assert found["extra"] == {"authentication.kubernetes.io/credential-id": [f"JTI={jti}"]}


async def test_a_token_ends_in_cluster_time(api: Caller) -> None:
    text = await token(api, expirationSeconds=600)
    later(api, 599)
    assert (await api.ask("POST", WHO, {}, text)).status == 201
    later(api, 2)
    refused = await api.ask("POST", WHO, {}, text)
    assert (refused.status, refused.json["message"]) == (401, "Unauthorized")
    assert (await review(api, text))["error"] == (
        "[invalid bearer token, service account token has expired]"
    )


async def test_a_token_goes_with_its_account_and_its_pod(api: Caller) -> None:
    pods = "/api/v1/namespaces/team/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    assert (await api.ask("POST", pods, pod)).status == 201
    ref = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    bound, free = await token(api, boundObjectRef=ref), await token(api)
    assert claims(bound)["kubernetes.io"]["pod"]["name"] == "p"
    assert (await api.ask("POST", WHO, {}, bound)).status == 201
    await api.ask("DELETE", f"{pods}/p?gracePeriodSeconds=0")
    assert (await api.ask("POST", WHO, {}, bound)).status == 401
    assert (await api.ask("POST", WHO, {}, free)).status == 201
    await api.ask("DELETE", f"{ACCOUNTS}/default")
    assert (await api.ask("POST", WHO, {}, free)).status == 401
    await api.ask("POST", ACCOUNTS, {"metadata": {"name": "default"}})
    assert (await api.ask("POST", WHO, {}, free)).status == 401, "another account of that name"


@pytest.mark.parametrize(
    ("spec", "status", "text"),
    [
        ({"expirationSeconds": 5}, 422, "may not specify a duration less than 10 minutes"),
        ({"boundObjectRef": {"kind": "Pod", "name": "x"}}, 404, 'pods "x" not found'),
        ({"boundObjectRef": {"kind": "ConfigMap", "name": "x"}}, 400, "cannot bind token"),
    ],
)
async def test_a_token_that_cannot_be(api: Caller, spec: Any, status: int, text: str) -> None:
    refused = await ask(api, **spec)
    assert refused.status == status
    assert text in refused.json["message"]
    missing = await ask(api, "nobody")
    assert (missing.status, missing.json["details"]["kind"]) == (404, "serviceaccounts")


async def test_a_pods_mounted_token_is_renewed_before_it_ends(api: Caller) -> None:
    tokens = api.server.tokens
    assert tokens is not None
    pods = "/api/v1/namespaces/team/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    stored = (await api.ask("POST", pods, pod)).json
    first = tokens.of_pod(stored, "", 3607)
    assert tokens.of_pod(stored, "", 3607) == first
    assert claims(first)["exp"] - claims(first)["iat"] > 300 * 24 * 3600, "extended"
    later(api, 3607 * 0.8 + 1)
    assert tokens.of_pod(stored, "", 3607) != first
    found = (await api.ask("POST", WHO, {}, first)).json["status"]["userInfo"]["extra"]
    assert found["authentication.kubernetes.io/pod-name"] == ["p"]


async def test_a_node_gets_tokens_only_for_its_own_pods(api: Caller) -> None:
    node = {"impersonate_user": "system:node:n1", "impersonate_group": "system:nodes"}
    pods = "/api/v1/namespaces/team/pods"
    for name in ("n1", "n2"):
        spec = {"nodeName": name, "containers": [{"name": "c", "image": "x"}]}
        assert (
            await api.ask("POST", pods, {"metadata": {"name": name}, "spec": spec})
        ).status == 201

    async def refusal(ref: Any) -> str:
        body = {"spec": {"boundObjectRef": ref}}
        answer = await api.ask("POST", f"{ACCOUNTS}/default/token", body, **node)
        return "" if answer.status == 201 else answer.json["message"].rpartition(": ")[2]

    async def bound(name: str) -> Any:
        uid = (await api.ask("GET", f"{pods}/{name}")).json["metadata"]["uid"]
        return {"kind": "Pod", "apiVersion": "v1", "name": name, "uid": uid}

    assert await refusal(None) == "node requested token not bound to a pod"
    text = "node requested token bound to a pod scheduled on a different node"
    assert await refusal(await bound("n2")) == text
    assert not await refusal(await bound("n1"))


async def test_reviews_look_at_the_audience(api: Caller) -> None:
    text = await token(api, audiences=["vault"])
    assert (await api.ask("POST", WHO, {}, text)).status == 401, "not meant for the API server"
    found = await review(api, text, audiences=["vault", "other"])
    assert found["authenticated"] is True
    assert found["audiences"] == ["vault"]
    assert (await review(api, "nonsense"))["authenticated"] is False


def test_a_browsers_websocket_brings_its_token_as_a_subprotocol() -> None:
    text = base64.urlsafe_b64encode(b"secret").decode().rstrip("=")
    offered = ["v5.channel.k8s.io", f"base64url.bearer.authorization.k8s.io.{text}"]
    assert of_subprotocols(offered) == "Bearer secret"
    assert of_subprotocols(["v5.channel.k8s.io"]) == ""


async def test_a_bootstrap_token_logs_in_until_it_ends(api: Caller) -> None:
    await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
    data = {
        "token-id": "abcdef", "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true", "expiration": "2026-01-01T01:00:00Z",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    }  # fmt: skip
    secret = {
        "metadata": {"name": "bootstrap-token-abcdef"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": data,
    }
    made = await api.ask("POST", "/api/v1/namespaces/kube-system/secrets", secret)
    assert made.status == 201, made.body
    text = "abcdef.0123456789abcdef"
    who = (await review(api, text))["user"]
    assert who["username"] == "system:bootstrap:abcdef"
    assert who["groups"][:2] == ["system:bootstrappers", data["auth-extra-groups"]]
    assert (await api.ask("POST", WHO, {}, "abcdef.0000000000000000")).status == 401
    later(api, 3601)
    assert (await api.ask("POST", WHO, {}, text)).status == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (REVIEW, {"spec": {"token": 3}}),
        (REVIEW, {"spec": {"token": "x", "audiences": 3}}),
        (REVIEW, {"spec": []}),
        (REVIEW, []),
        (WHO, {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"}),
        (f"{ACCOUNTS}/default/token", {"spec": {"expirationSeconds": "long"}}),
        (f"{ACCOUNTS}/default/token", {"spec": {"boundObjectRef": [1]}}),
    ],
)
async def test_bodies_of_another_shape_are_refused(api: Caller, path: str, body: Any) -> None:
    assert (await api.ask("POST", path, body)).status == 400


async def test_the_keys_are_published(api: Caller) -> None:
    text = await token(api)
    said = (await api.ask("GET", "/.well-known/openid-configuration", token=text)).json
    keys = (await api.ask("GET", "/openid/v1/jwks", token=text)).json["keys"]
    assert said["issuer"] == claims(text)["iss"]
    assert said["jwks_uri"].endswith("/openid/v1/jwks")
    header = text.split(".")[0]
    assert keys[0]["kid"] == orjson.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    assert (await api.ask("GET", "/openid/v1/jwks", token="bob")).status == 403


async def test_a_foreign_certificate_is_nobodys_but_a_token_beside_it_counts(api: Caller) -> None:
    identify = api.server.authenticator.identify
    for path in ("/api", "/healthz"):
        with pytest.raises(StatusError) as refused:
            identify(None, "", path, foreign=True)
        assert refused.value.code == 401
    text = f"Bearer {await token(api)}"
    assert identify(None, text, "/api", foreign=True).name.endswith("team:default")


async def test_a_secrets_token_counts_while_the_secret_holds_it(api: Caller) -> None:
    account = (await api.ask("GET", f"{ACCOUNTS}/default")).json
    text = legacy_token(TOKEN_KEY, account, "old")
    assert (await api.ask("POST", WHO, {}, text)).status == 401
    secret = {
        "metadata": {
            "name": "old",
            "annotations": {"kubernetes.io/service-account.name": "default"},
        },
        "type": "kubernetes.io/service-account-token",
        "data": {"token": base64.b64encode(text.encode()).decode()},
    }
    assert (await api.ask("POST", "/api/v1/namespaces/team/secrets", secret)).status == 201
    assert (await api.ask("POST", WHO, {}, text)).status == 201
    await api.ask("DELETE", "/api/v1/namespaces/team/secrets/old")
    assert (await api.ask("POST", WHO, {}, text)).status == 401


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(public_exponent=65537, key_size=2048), TOKEN_KEY.key],
    ids=["RS256", "ES256"],
)
def test_signatures_are_checked(key: Any) -> None:
    ours, theirs = TokenKey(key), TokenKey(ec.generate_private_key(ec.SECP256R1()))
    text = ours.sign({"sub": "x"})
    assert ours.verify(text) == {"sub": "x"}
    head, _, signature = text.split(".")
    forged = base64.urlsafe_b64encode(b'{"sub":"y"}').decode().rstrip("=")
    for bad in (f"{head}.{forged}.{signature}", "a.b.c", "", "x", theirs.sign({"sub": "x"})):
        with pytest.raises(NotOurs):
            ours.verify(bad)
