"""ValidatingAdmissionPolicies, by what a client sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Caller

MAPS = "/api/v1/namespaces/default/configmaps"
GROUP = "/apis/admissionregistration.k8s.io/v1"


def _map(name: str = "one", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def _bind(
    api: Caller, *validations: dict[str, Any], binding: dict[str, Any] | None = None, **spec: Any
) -> None:
    rule = {
        "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
        "operations": ["CREATE", "UPDATE"],
    }  # fmt: skip
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "rules"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": list(validations),
            **spec,
        },
    }
    made = await api.ask("POST", f"{GROUP}/validatingadmissionpolicies", policy)
    assert made.status == 201, made.json
    bound = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "everywhere"},
        "spec": {"policyName": "rules", "validationActions": ["Deny"], **(binding or {})},
    }
    made = await api.ask("POST", f"{GROUP}/validatingadmissionpolicybindings", bound)
    assert made.status == 201, made.json


async def test_a_policy_refuses(api: Caller) -> None:
    await _bind(api, {"expression": "object.data.size() <= 1", "message": "too much"})
    assert (await api.ask("POST", MAPS, _map(a="1"))).status == 201
    refused = await api.ask("POST", MAPS, _map("two", a="1", b="2"))
    assert refused.status == 422
    assert refused.json["message"] == (
        "configmaps \"two\" is forbidden: ValidatingAdmissionPolicy 'rules' with binding "
        "'everywhere' denied request: too much"
    )
    assert refused.json["reason"] == "Invalid"


@pytest.mark.parametrize(
    ("validation", "text", "code"),
    [
        ({"expression": "false"}, "denied request: failed expression: false", 422),
        (
            {"expression": "false", "messageExpression": "'no ' + object.metadata.name"},
            "denied request: no one",
            422,
        ),
        ({"expression": "false", "reason": "Forbidden", "message": "no"}, "request: no", 403),
        (
            {"expression": "object.spec.x == 1"},
            "expression 'object.spec.x == 1' resulted in error: no such key: spec",
            422,
        ),
    ],
)
async def test_what_a_policy_says(
    api: Caller, validation: dict[str, Any], text: str, code: int
) -> None:
    await _bind(api, validation)
    refused = await api.ask("POST", MAPS, _map())
    assert refused.status == code
    assert refused.json["message"].endswith(text)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            {"validations": [{"expression": "nobody"}]},
            'spec.validations[0].expression: Invalid value: "nobody": compilation failed: ERROR: '
            "<input>:1:1: undeclared reference to 'nobody' (in container '')",
        ),
        ({"validations": []}, "spec.validations: Required value: validations or auditAnnotations"),
        ({"validations": [{"expression": "params.x"}]}, "undeclared reference to 'params'"),
        ({"validations": [{"expression": "1"}]}, "must evaluate to bool"),
        ({"matchConstraints": {}}, "spec.matchConstraints.resourceRules: Required value"),
    ],
)
async def test_a_wrong_policy_is_refused(api: Caller, spec: dict[str, Any], text: str) -> None:
    rule = {
        "apiGroups": [""], "apiVersions": ["v1"], "resources": ["*"], "operations": ["*"],
    }  # fmt: skip
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "wrong"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "true"}],
            **spec,
        },
    }
    refused = await api.ask("POST", f"{GROUP}/validatingadmissionpolicies", policy)
    assert refused.status == 422, refused.json
    assert text in refused.json["message"]


async def test_an_unbound_policy_does_nothing(api: Caller) -> None:
    await _bind(api, {"expression": "false"}, binding={"policyName": "another"})
    assert (await api.ask("POST", MAPS, _map())).status == 201


async def test_variables_and_conditions(api: Caller) -> None:
    await _bind(
        api,
        {"expression": "variables.count < 2 && variables.twice == variables.count * 2"},
        variables=[
            {"name": "count", "expression": "object.data.size()"},
            {"name": "twice", "expression": "variables.count * 2"},
        ],
        matchConditions=[{"name": "ours", "expression": "object.metadata.name.startsWith('our')"}],
    )
    assert (await api.ask("POST", MAPS, _map("theirs", a="1", b="2"))).status == 201
    assert (await api.ask("POST", MAPS, _map("our-one", a="1"))).status == 201
    assert (await api.ask("POST", MAPS, _map("our-two", a="1", b="2"))).status == 422


async def test_warn_lets_pass_and_tells(api: Caller) -> None:
    await _bind(
        api,
        {"expression": "false", "message": "careful"},
        binding={"validationActions": ["Warn", "Audit"]},
    )
    made = await api.ask("POST", MAPS, _map())
    assert made.status == 201
    assert made.headers["warning"] == (
        "299 - \"Validation failed for ValidatingAdmissionPolicy 'rules' with binding "
        "'everywhere': careful\""
    )


async def test_parameters(api: Caller) -> None:
    await api.ask("POST", MAPS, _map("limits", most="1"))
    await _bind(
        api,
        {"expression": "object.data.size() <= int(params.data.most)"},
        binding={
            "paramRef": {
                "name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny",
            }
        },
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )  # fmt: skip
    assert (await api.ask("POST", MAPS, _map(a="1"))).status == 201
    assert (await api.ask("POST", MAPS, _map("two", a="1", b="2"))).status == 422
    await api.ask("DELETE", f"{MAPS}/limits")
    refused = await api.ask("POST", MAPS, _map("three", a="1"))
    assert refused.json["message"].endswith(
        "failed to configure binding: no params found for policy binding with `Deny` "
        "parameterNotFoundAction"
    )


async def test_an_old_object_and_the_namespace_are_at_hand(api: Caller) -> None:
    await _bind(
        api,
        {"expression": "oldObject == null || object.data.a == oldObject.data.a"},
        {"expression": "namespaceObject.metadata.name == 'default'"},
        {"expression": "request.operation in ['CREATE', 'UPDATE']"},
    )
    made = await api.ask("POST", MAPS, _map(a="1"))
    assert made.status == 201, made.json
    changed = {**made.json, "data": {"a": "2"}}
    assert (await api.ask("PUT", f"{MAPS}/one", changed)).status == 422


async def test_the_authorizer_may_be_asked(api: Caller) -> None:
    check = "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"
    await _bind(api, {"expression": check})
    assert (await api.ask("POST", MAPS, _map())).status == 201


async def test_pods_are_looked_at_one_by_one(api: Caller) -> None:
    rule = {
        "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
    }  # fmt: skip
    expression = "object.spec.containers.all(c, c.image.startsWith('registry.k8s.io/'))"
    constraints = {"resourceRules": [rule]}
    await _bind(api, {"expression": expression}, matchConstraints=constraints)
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}]},
    }  # fmt: skip
    assert (await api.ask("POST", "/api/v1/namespaces/default/pods", pod)).status == 422
    pod["spec"] = {"containers": [{"name": "web", "image": "registry.k8s.io/nginx"}]}
    assert (await api.ask("POST", "/api/v1/namespaces/default/pods", pod)).status == 201
