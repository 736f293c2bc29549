"""What a CustomResourceDefinition must be, and what follows from it for clients."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.apiserver.conftest import Caller
from tests.apiserver.custom.samples import CRDS, GROUP, TABS, crd, spec_schema, tab, with_schema

OPENAPI = "spec.versions[0].schema.openAPIV3Schema"


def _second(definition: dict[str, Any], plural: str, kind: str) -> dict[str, Any]:
    out = deepcopy(definition)
    out["metadata"]["name"] = f"{plural}.{out['spec']['group']}"
    out["spec"]["names"] = {"plural": plural, "kind": kind}
    return out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"group": "example"}, 'spec.group: Invalid value: "example": should be a domain with'),
        ({"scope": "Both"}, 'spec.scope: Unsupported value: "Both": supported values: "Cluster"'),
        (
            {"names": {"plural": "tabs", "kind": "CronTab"}},
            'metadata.name: Invalid value: "crontabs.stable.example.com": must be '
            'spec.names.plural+"."+spec.group',
        ),
        (
            {"names": {"plural": "crontabs", "kind": "CronTab", "listKind": "CronTab"}},
            'spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same',
        ),
        ({"versions": []}, "must have exactly one version marked as storage version"),
        (
            {"conversion": {"strategy": "Webhook"}},
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set "
            "to Webhook",
        ),
        ({"preserveUnknownFields": True}, "spec.preserveUnknownFields: Invalid value: true"),
    ],
)
async def test_a_wrong_definition_is_refused(
    api: Caller, changes: dict[str, Any], text: str
) -> None:
    answer = await api.ask("POST", CRDS, crd(**changes))
    assert answer.status == 422, answer.json
    assert text in answer.json["message"]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "array"}, f'{OPENAPI}.type: Invalid value: "array": must be object at the root'),
        (
            {"type": "object", "properties": {"spec": {}}},
            f"{OPENAPI}.properties[spec].type: Required value: must not be empty for specified "
            "object fields",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            f"{OPENAPI}.additionalProperties: Forbidden: must not be used at the root",
        ),
        (
            spec_schema(a={"type": "array"}),
            f"{OPENAPI}.properties[spec].properties[a].items: Required value: must be specified",
        ),
        (
            spec_schema(a={"type": "string", "anyOf": [{"type": "string"}]}),
            "properties[a].anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            spec_schema(a={"type": "integer", "default": "x"}),
            'properties[a].default: Invalid value: "string"',
        ),
        (
            spec_schema(a={"type": "object", "default": {"b": 1}}),
            'properties[a].default: Invalid value: {"b":1}: must not have unknown fields',
        ),
        (
            spec_schema(a={"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
            "uniqueItems: Forbidden: uniqueItems cannot be set to true",
        ),
        (
            spec_schema(
                a={
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "items": {"type": "object", "properties": {"n": {"type": "string"}}},
                    "x-kubernetes-list-map-keys": ["n"],
                }
            ),
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property",
        ),
        (
            spec_schema(a={"type": "string", "pattern": "("}),
            'properties[a].pattern: Invalid value: "(": must be a valid regular expression',
        ),
        (
            spec_schema(a={"type": "thing"}),
            'properties[a].type: Unsupported value: "thing": supported values: "array"',
        ),
        (
            {"type": "object", "properties": {"metadata": {"type": "object", "required": ["x"]}}},
            "properties[metadata]: Forbidden: must not specify anything other than name and "
            "generateName",
        ),
    ],
)
async def test_a_schema_must_be_structural(api: Caller, schema: dict[str, Any], text: str) -> None:
    answer = await api.ask("POST", CRDS, with_schema(schema))
    assert answer.status == 422, answer.json
    assert text in answer.json["message"]


async def test_int_or_string_may_be_spelt_as_generators_spell_it(api: Caller) -> None:
    both = [{"type": "integer"}, {"type": "string"}]
    port = {"x-kubernetes-int-or-string": True, "anyOf": both, "pattern": "^a"}
    answer = await api.ask("POST", CRDS, with_schema(spec_schema(port=port)))
    assert answer.status == 201, answer.json


async def test_names_that_are_taken_are_not_accepted_until_they_are_free(api: Caller) -> None:
    await api.ask("POST", CRDS, crd())
    other = _second(crd(), "others", "Other")
    other["spec"]["names"]["shortNames"] = ["ct"]
    made = (await api.ask("POST", CRDS, other)).json
    conditions = {c["type"]: c for c in made["status"]["conditions"]}
    assert conditions["NamesAccepted"]["reason"] == "ShortNamesConflict"
    assert conditions["NamesAccepted"]["message"] == '"ct" is already in use'
    assert conditions["Established"]["reason"] == "NotAccepted"
    assert (await api.ask("GET", f"{GROUP}/v1/others")).status == 404


async def test_what_identifies_a_resource_stays(api: Caller) -> None:
    made = (await api.ask("POST", CRDS, crd())).json
    made["spec"]["scope"] = "Cluster"
    made["spec"]["names"]["kind"] = "Tab"
    answer = await api.ask("PUT", f"{CRDS}/crontabs.stable.example.com", made)
    assert 'spec.scope: Invalid value: "Cluster": field is immutable' in answer.json["message"]
    assert 'spec.names.kind: Invalid value: "Tab": field is immutable' in answer.json["message"]


async def test_discovery_follows(api: Caller) -> None:
    before = (await api.ask("GET", "/apis")).json["groups"]
    assert "stable.example.com" not in [g["name"] for g in before]
    await api.ask("POST", CRDS, crd())
    after = (await api.ask("GET", "/apis")).json["groups"]
    assert after[-2]["name"] == "stable.example.com" or "stable.example.com" in [
        g["name"] for g in after
    ]
    listed = (await api.ask("GET", f"{GROUP}/v1")).json["resources"]
    assert [r["name"] for r in listed] == ["crontabs", "crontabs/scale", "crontabs/status"]
    assert listed[0]["shortNames"] == ["ct"]
    aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    found = (await api.ask("GET", "/apis", accept=aggregated)).json["items"]
    assert "stable.example.com" in [g["metadata"]["name"] for g in found]


async def test_openapi_follows(api: Caller) -> None:
    await api.ask("POST", CRDS, crd())
    index = (await api.ask("GET", "/openapi/v3")).json["paths"]
    assert "apis/stable.example.com/v1" in index
    document = (await api.ask("GET", "/openapi/v3/apis/stable.example.com/v1")).json
    schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert schema["x-kubernetes-group-version-kind"][0]["kind"] == "CronTab"
    assert schema["properties"]["spec"]["properties"]["replicas"]["default"] == 1
    assert f"{GROUP}/v1/namespaces/{{namespace}}/crontabs/{{name}}" in document["paths"]
    old = (await api.ask("GET", "/openapi/v2")).json
    assert "com.example.stable.v1.CronTab" in old["definitions"]


async def test_versions_differ_in_name_only_without_a_webhook(api: Caller) -> None:
    two = crd()
    (first,) = two["spec"]["versions"]
    beta = {**deepcopy(first), "name": "v1beta1", "storage": False, "deprecated": True}
    two["spec"]["versions"].append(beta)
    await api.ask("POST", CRDS, two)
    old = {**tab(), "apiVersion": "stable.example.com/v1beta1"}
    made = await api.ask("POST", TABS.replace("v1", "v1beta1"), old)
    assert made.json["apiVersion"] == "stable.example.com/v1beta1"
    assert made.headers["warning"] == ('299 - "stable.example.com/v1beta1 CronTab is deprecated"')
    assert (await api.ask("GET", f"{TABS}/one")).json["apiVersion"] == "stable.example.com/v1"
    listed = (await api.ask("GET", f"{GROUP}/v1beta1/crontabs")).json
    assert listed["items"][0]["apiVersion"] == "stable.example.com/v1beta1"
    group = (await api.ask("GET", GROUP)).json
    assert [v["version"] for v in group["versions"]] == ["v1", "v1beta1"]


async def test_the_storage_version_may_change(api: Caller) -> None:
    two = crd()
    (first,) = two["spec"]["versions"]
    two["spec"]["versions"].append({**deepcopy(first), "name": "v2", "storage": False})
    made = (await api.ask("POST", CRDS, two)).json
    await api.ask("POST", TABS, tab())
    made["spec"]["versions"][0]["storage"] = False
    made["spec"]["versions"][1]["storage"] = True
    changed = await api.ask("PUT", f"{CRDS}/crontabs.stable.example.com", made)
    assert changed.json["status"]["storedVersions"] == ["v1", "v2"]
    assert (await api.ask("GET", f"{TABS}/one")).json["apiVersion"] == "stable.example.com/v1"
    second = (await api.ask("GET", TABS.replace("v1", "v2"))).json["items"][0]
    assert second["apiVersion"] == "stable.example.com/v2"
    await api.ask("POST", TABS, tab("two"))
    assert len((await api.ask("GET", TABS)).json["items"]) == 2
