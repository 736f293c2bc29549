"""Damaged registrations: refused or taken, never a 5xx, and never in the way of other writes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.apiserver.conftest import Caller
from tests.apiserver.custom.test_bad_input import damaged

GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {
    "apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"],
    "scope": "*",
}  # fmt: skip
WEBHOOKS: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "hooks"},
    "webhooks": [
        {
            "name": "a.example.com",
            "clientConfig": {"service": {"name": "a", "namespace": "b", "port": 1, "path": "/"}},
            "rules": [RULE],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 1,
            "failurePolicy": "Ignore",
            "objectSelector": {"matchLabels": {"a": "b"}},
            "matchConditions": [{"name": "a", "expression": "true"}],
        }
    ],
}
POLICY: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "policy"},
    "spec": {
        "failurePolicy": "Ignore",
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {"resourceRules": [RULE], "namespaceSelector": {"matchLabels": {}}},
        "matchConditions": [{"name": "a", "expression": "true"}],
        "variables": [{"name": "a", "expression": "1"}],
        "validations": [{"expression": "variables.a == 1", "message": "m", "reason": "Invalid"}],
        "auditAnnotations": [{"key": "k", "valueExpression": "'v'"}],
    },
}
BINDING: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "binding"},
    "spec": {
        "policyName": "policy",
        "validationActions": ["Deny"],
        "paramRef": {"name": "x", "namespace": "default", "parameterNotFoundAction": "Allow"},
        "matchResources": {"resourceRules": [RULE], "objectSelector": {"matchLabels": {"a": "b"}}},
    },
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("body", [WEBHOOKS, POLICY, BINDING], ids=["webhooks", "policy", "binding"])
async def test_damaged_registrations(api: Caller, body: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)
    plural = {
        "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    }[body["kind"]]
    if body is BINDING:
        await api.ask("POST", f"{GROUP}/validatingadmissionpolicies", POLICY)
    for number in range(40):
        broken = damaged(body, chance)
        made = await api.ask("POST", f"{GROUP}/{plural}", broken)
        assert made.status < 500, (broken, made.json)
        if made.status == 201:
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"s{number}"}}
            answer = await api.ask("POST", "/api/v1/namespaces/default/secrets", secret)
            assert answer.status in (201, 403, 422), (broken, answer.json)
            await api.ask("DELETE", f"{GROUP}/{plural}/{made.json['metadata']['name']}")
