"""Webhooks are asked over HTTPS, and what they say holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.admission.hook import Webhook, patch
from tests.apiserver.conftest import Caller

MAPS = "/api/v1/namespaces/default/configmaps"
GROUP = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Webhook]:
    found = Webhook(tmp_path, lambda request: {"allowed": True})
    yield found
    found.close()


def _map(name: str = "one", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def _register(api: Caller, hook: Webhook, kind: str = "Validating", **more: Any) -> None:
    rule = {
        "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
    }  # fmt: skip
    webhook = {
        "name": "look.example.com",
        "clientConfig": {"url": hook.url, "caBundle": hook.bundle},
        "rules": [rule],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "failurePolicy": "Fail",
        **more,
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": f"{kind.lower()}-{webhook['name']}"},
        "webhooks": [webhook],
    }
    made = await api.ask("POST", f"{GROUP}/{kind.lower()}webhookconfigurations", body)
    assert made.status == 201, made.json


async def test_a_webhook_refuses_in_its_own_words(api: Caller, hook: Webhook) -> None:
    await _register(api, hook)
    hook.reply = lambda request: {"allowed": False, "status": {"message": "not today", "code": 403}}
    refused = await api.ask("POST", MAPS, _map())
    assert refused.status == 403
    assert refused.json["message"] == (
        'admission webhook "look.example.com" denied the request: not today'
    )
    hook.reply = lambda request: {"allowed": False}
    refused = await api.ask("POST", MAPS, _map())
    assert refused.status == 400
    assert refused.json["message"].endswith("denied the request without explanation")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"name": "short.name"}, "should be a domain with at least three segments separated by"),
        ({"sideEffects": None}, "sideEffects: Required value: must specify one of None, NoneOnDry"),
        ({"timeoutSeconds": 31}, "the timeout value must be between 1 and 30 seconds"),
        ({"clientConfig": {}}, "clientConfig: Required value: exactly one of url or service is"),
        (
            {"matchConditions": [{"name": "a", "expression": "x"}]},
            'webhooks[0].matchConditions[0].expression: Invalid value: "x": compilation failed',
        ),
        ({"admissionReviewVersions": ["v9"]}, "must include at least one of v1, v1beta1"),
    ],
)
async def test_a_wrong_configuration_is_refused(
    api: Caller, more: dict[str, Any], text: str
) -> None:
    webhook = {
        "name": "look.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        **more,
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "wrong"},
        "webhooks": [webhook],
    }
    refused = await api.ask("POST", f"{GROUP}/validatingwebhookconfigurations", body)
    assert refused.status == 422, refused.json
    assert text in refused.json["message"]


async def test_what_a_webhook_is_told(api: Caller, hook: Webhook) -> None:
    await _register(api, hook)
    await api.ask("POST", MAPS, _map(a="1"))
    asked = hook.asked[0]
    assert asked["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert asked["resource"]["resource"] == "configmaps"
    assert (asked["operation"], asked["name"], asked["namespace"]) == ("CREATE", "one", "default")
    assert asked["object"]["data"] == {"a": "1"}
    assert asked["oldObject"] is None
    assert asked["userInfo"]["username"] == "admin"
    assert asked["options"]["kind"] == "CreateOptions"
    await api.ask("DELETE", f"{MAPS}/one")
    gone = hook.asked[1]
    assert (gone["operation"], gone["object"], gone["oldObject"]["data"]) == (
        "DELETE", None, {"a": "1"},
    )  # fmt: skip


async def test_a_mutating_webhook_changes_what_is_stored(api: Caller, hook: Webhook) -> None:
    await _register(api, hook, "Mutating")
    hook.reply = lambda request: patch({"op": "add", "path": "/data/b", "value": "2"})
    made = await api.ask("POST", MAPS, _map(a="1"))
    assert made.json["data"] == {"a": "1", "b": "2"}
    assert (await api.ask("GET", f"{MAPS}/one")).json["data"]["b"] == "2"


async def test_a_pod_is_changed_after_its_defaults(api: Caller, hook: Webhook) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    await _register(api, hook, "Mutating", rules=[{**rule, "operations": ["CREATE"]}])
    sidecar = {"name": "sidecar", "image": "envoy"}
    hook.reply = lambda request: patch(
        {"op": "add", "path": "/spec/containers/-", "value": sidecar}
    )
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}]},
    }  # fmt: skip
    made = await api.ask("POST", "/api/v1/namespaces/default/pods", pod)
    assert made.status == 201, made.json
    names = [c["name"] for c in made.json["spec"]["containers"]]
    assert names == ["web", "sidecar"]
    assert made.json["spec"]["containers"][1]["imagePullPolicy"] == "Always"
    assert hook.asked[0]["object"]["spec"]["restartPolicy"] == "Always"
    assert made.json["status"]["phase"] == "Pending"


async def test_webhooks_are_asked_again_when_others_changed_the_object(
    api: Caller, hook: Webhook
) -> None:
    more: dict[str, Any] = {"reinvocationPolicy": "IfNeeded"}
    await _register(api, hook, "Mutating", name="a.example.com", **more)
    await _register(api, hook, "Mutating", name="b.example.com")
    seen: list[dict[str, str]] = []

    def reply(request: dict[str, Any]) -> dict[str, Any]:
        seen.append(request["object"]["data"])
        return patch({"op": "add", "path": f"/data/n{len(seen)}", "value": "x"})

    hook.reply = reply
    made = await api.ask("POST", MAPS, _map(a="1"))
    assert len(seen) == 3
    assert sorted(made.json["data"]) == ["a", "n1", "n2", "n3"]


async def test_a_webhook_that_is_away_fails_or_is_passed_over(api: Caller, hook: Webhook) -> None:
    await _register(api, hook)
    hook.close()
    failed = await api.ask("POST", MAPS, _map())
    assert failed.status == 500
    assert failed.json["message"] == (
        'Internal error occurred: failed calling webhook "look.example.com": failed to call '
        f'webhook: Post "{hook.url}?timeout=5s": dial tcp 127.0.0.1:{hook.port}: connect: '
        "connection refused"
    )
    configuration = f"{GROUP}/validatingwebhookconfigurations/validating-look.example.com"
    found = (await api.ask("GET", configuration)).json
    found["webhooks"][0]["failurePolicy"] = "Ignore"
    await api.ask("PUT", configuration, found)
    assert (await api.ask("POST", MAPS, _map())).status == 201


async def test_a_certificate_of_another_authority_is_not_trusted(
    api: Caller, hook: Webhook, tmp_path: Path
) -> None:
    other = Webhook(tmp_path / "other", lambda request: {"allowed": True})
    other.close()
    config = {"url": hook.url, "caBundle": other.bundle}
    await _register(api, hook, clientConfig=config)
    failed = await api.ask("POST", MAPS, _map())
    assert failed.json["message"].endswith("x509: certificate signed by unknown authority")


async def test_a_service_without_a_program_behind_it_cannot_be_asked(
    api: Caller, hook: Webhook
) -> None:
    service = {"namespace": "default", "name": "hook", "path": "/admit"}
    await _register(api, hook, clientConfig={"service": service})
    failed = await api.ask("POST", MAPS, _map())
    assert failed.json["message"].endswith(
        'Post "https://hook.default.svc:443/admit?timeout=5s": service "hook" not found'
    )


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({"objectSelector": {"matchLabels": {"look": "yes"}}}, 0),
        ({"namespaceSelector": {"matchLabels": {"none": "such"}}}, 0),
        ({"matchConditions": [{"name": "a", "expression": "object.data.a == '2'"}]}, 0),
        ({"matchConditions": [{"name": "a", "expression": "object.data.a == '1'"}]}, 1),
        (
            {
                "matchConditions": [
                    {"name": "a", "expression": "request.userInfo.username != 'admin'"}
                ]
            },
            0,
        ),
    ],
)
async def test_who_is_asked(api: Caller, hook: Webhook, more: dict[str, Any], asked: int) -> None:
    await _register(api, hook, **more)
    assert (await api.ask("POST", MAPS, _map(a="1"))).status == 201
    assert len(hook.asked) == asked


async def test_a_webhook_is_told_of_a_dry_run(api: Caller, hook: Webhook) -> None:
    await _register(api, hook, sideEffects="NoneOnDryRun")
    assert (await api.ask("POST", f"{MAPS}?dryRun=All", _map())).status == 201
    assert hook.asked[0]["dryRun"] is True
    assert hook.asked[0]["options"]["dryRun"] == ["All"]


async def test_warnings_reach_the_client(api: Caller, hook: Webhook) -> None:
    await _register(api, hook)
    hook.reply = lambda request: {"allowed": True, "warnings": ["careful"]}
    made = await api.ask("POST", MAPS, _map())
    assert made.headers["warning"] == '299 - "careful"'


async def test_the_cluster_can_be_repaired(api: Caller, hook: Webhook) -> None:
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
    await _register(api, hook, rules=[rule])
    hook.close()
    configuration = f"{GROUP}/validatingwebhookconfigurations/validating-look.example.com"
    assert (await api.ask("DELETE", configuration)).status == 200
