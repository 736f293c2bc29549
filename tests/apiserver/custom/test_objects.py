"""What a client sees of custom objects."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.apiserver.conftest import Caller
from tests.apiserver.custom.samples import CRDS, GROUP, TABS, crd, spec_schema, tab, with_schema

MERGE = "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def _create(api: Caller, definition: dict[str, Any]) -> None:
    answer = await api.ask("POST", CRDS, definition)
    assert answer.status == 201, answer.json


async def test_a_resource_is_served_as_soon_as_its_definition_is_created(api: Caller) -> None:
    assert (await api.ask("GET", TABS)).status == 404
    await _create(api, crd())
    created = await api.ask("POST", TABS, tab())
    assert created.status == 201
    assert created.json["metadata"]["generation"] == 1
    assert created.json["spec"] == {"cronSpec": "a b", "replicas": 1}
    listed = (await api.ask("GET", f"{GROUP}/v1/crontabs")).json
    assert (listed["kind"], len(listed["items"])) == ("CronTabList", 1)


async def test_the_definition_says_that_it_is_established(api: Caller) -> None:
    await _create(api, crd())
    found = (await api.ask("GET", f"{CRDS}/crontabs.stable.example.com")).json
    conditions = {c["type"]: (c["status"], c["reason"]) for c in found["status"]["conditions"]}
    assert conditions == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert found["status"]["storedVersions"] == ["v1"]
    assert found["status"]["acceptedNames"]["listKind"] == "CronTabList"


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        (
            {"replicas": "3"},
            'spec.replicas: Invalid value: "string": spec.replicas in body must be of type '
            'integer: "string"',
        ),
        (
            {"replicas": 11},
            "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal "
            "to 10",
        ),
        ({"mode": "no"}, 'spec.mode: Unsupported value: "no": supported values: "fast", "slow"'),
        ({"image": "0123456789"}, "spec.image: Too long: may not be more than 9 bytes"),
        (
            {"cronSpec": "a"},
            'spec.cronSpec: Invalid value: "a": spec.cronSpec in body should match '
            "'^[^ ]+ [^ ]+$'",
        ),
        (
            {"port": True},
            'spec.port: Invalid value: "boolean": spec.port in body must be of type '
            'integer,string: "boolean"',
        ),
        ({"envs": [{"value": "b"}]}, "spec.envs[0].name: Required value"),
        (
            {"envs": [{"name": "a"}, {"name": "a"}]},
            'spec.envs[1]: Duplicate value: {"name":"a"}',
        ),
        (
            {"labels": {"a": 1}},
            'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type '
            'string: "integer"',
        ),
    ],
)
async def test_what_does_not_fit_the_schema_is_refused(
    api: Caller, spec: dict[str, Any], causes: str
) -> None:
    await _create(api, crd())
    answer = await api.ask("POST", TABS, tab(**spec))
    assert answer.status == 422
    assert answer.json["message"].startswith('CronTab.stable.example.com "one" is invalid: ')
    assert causes in answer.json["message"]


async def test_unknown_fields_are_dropped_told_or_refused(api: Caller) -> None:
    await _create(api, crd())
    odd = tab(strange=1, free={"x": {"y": 1}})
    strict = await api.ask("POST", f"{TABS}?fieldValidation=Strict", odd)
    assert strict.status == 400
    assert strict.json["message"].endswith('strict decoding error: unknown field "spec.strange"')
    warned = await api.ask("POST", f"{TABS}?fieldValidation=Warn", odd)
    assert warned.headers["warning"] == '299 - "unknown field \\"spec.strange\\""'
    assert "strange" not in warned.json["spec"]
    assert warned.json["spec"]["free"] == {"x": {"y": 1}}


async def test_nulls_stay_only_where_they_may(api: Caller) -> None:
    await _create(api, crd())
    made = await api.ask("POST", TABS, tab(note=None, image=None, replicas=None))
    assert made.json["spec"] == {"cronSpec": "a b", "note": None, "replicas": 1}


async def test_defaults_reach_into_lists(api: Caller) -> None:
    await _create(api, crd())
    made = await api.ask("POST", TABS, tab(envs=[{"name": "a"}]))
    assert made.json["spec"]["envs"] == [{"name": "a", "value": "none"}]


async def test_a_table_has_the_columns_of_the_definition(api: Caller) -> None:
    await _create(api, crd())
    await api.ask("POST", TABS, tab(image="busybox"))
    table = (await api.ask("GET", TABS, accept=TABLE)).json
    shown = [(c["name"], c["type"], c["priority"]) for c in table["columnDefinitions"]]
    assert shown == [
        ("Name", "string", 0), ("Spec", "string", 0), ("Replicas", "integer", 0),
        ("Image", "string", 1), ("Age", "date", 0),
    ]  # fmt: skip
    assert table["rows"][0]["cells"] == ["one", "a b", 1, "busybox", "0s"]


async def test_without_columns_a_table_shows_the_age(api: Caller) -> None:
    await _create(api, with_schema(spec_schema(cronSpec={"type": "string"})))
    await api.ask("POST", TABS, tab())
    table = (await api.ask("GET", TABS, accept=TABLE)).json
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Age"]


async def test_status_is_written_by_its_subresource_only(api: Caller) -> None:
    await _create(api, crd())
    made = (await api.ask("POST", TABS, {**tab(), "status": {"replicas": 3}})).json
    assert "status" not in made
    made["status"] = {"replicas": 2}
    made["spec"]["replicas"] = 9
    shown = (await api.ask("PUT", f"{TABS}/one/status", made)).json
    assert shown["status"] == {"replicas": 2}
    assert (shown["spec"]["replicas"], shown["metadata"]["generation"]) == (1, 1)
    shown["spec"]["replicas"] = 4
    again = (await api.ask("PUT", f"{TABS}/one", shown)).json
    assert again["metadata"]["generation"] == 2


async def test_scale(api: Caller) -> None:
    await _create(api, crd())
    await api.ask("POST", TABS, tab())
    change = orjson.dumps({"spec": {"replicas": 5}})
    scaled = await api.ask("PATCH", f"{TABS}/one/scale", change, content_type=MERGE)
    assert scaled.json["spec"] == {"replicas": 5}
    assert (await api.ask("GET", f"{TABS}/one")).json["spec"]["replicas"] == 5
    assert (await api.ask("GET", f"{TABS}/one/scale")).json["kind"] == "Scale"


async def test_an_update_must_say_which_version_it_is_of(api: Caller) -> None:
    await _create(api, crd())
    await api.ask("POST", TABS, tab())
    answer = await api.ask("PUT", f"{TABS}/one", tab())
    assert answer.json["message"].endswith(
        "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    )


async def test_strategic_merge_patches_are_not_for_custom_objects(api: Caller) -> None:
    await _create(api, crd())
    await api.ask("POST", TABS, tab())
    kind = "application/strategic-merge-patch+json"
    answer = await api.ask("PATCH", f"{TABS}/one", {"spec": {}}, content_type=kind)
    assert answer.status == 415


async def test_selectable_fields(api: Caller) -> None:
    await _create(api, crd())
    await api.ask("POST", TABS, tab("one", mode="fast"))
    await api.ask("POST", TABS, tab("two", mode="slow"))
    found = (await api.ask("GET", f"{TABS}?fieldSelector=spec.mode=slow")).json
    assert [o["metadata"]["name"] for o in found["items"]] == ["two"]
    assert (await api.ask("GET", f"{TABS}?fieldSelector=spec.image=x")).status == 400


async def test_a_watch_tells_of_custom_objects(api: Caller) -> None:
    await _create(api, crd())
    made = (await api.ask("POST", TABS, tab())).json
    start = int(made["metadata"]["resourceVersion"]) - 1
    watch = f"{TABS}?watch=1&resourceVersion={start}&timeoutSeconds=1"
    lines = (await api.ask("GET", watch)).body.splitlines()
    assert [orjson.loads(line)["type"] for line in lines] == ["ADDED"]
    assert orjson.loads(lines[0])["object"]["spec"]["replicas"] == 1


async def test_what_was_wrong_and_has_not_changed_is_let_be(api: Caller) -> None:
    loose = with_schema(spec_schema(cronSpec={"type": "string"}, mode={"type": "string"}))
    await _create(api, loose)
    made = (await api.ask("POST", TABS, tab(mode="odd"))).json
    found = (await api.ask("GET", f"{CRDS}/crontabs.stable.example.com")).json
    tight = spec_schema(cronSpec={"type": "string"}, mode={"type": "string", "enum": ["even"]})
    found["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = tight
    assert (await api.ask("PUT", f"{CRDS}/crontabs.stable.example.com", found)).status == 200
    made["spec"]["cronSpec"] = "c d"
    assert (await api.ask("PUT", f"{TABS}/one", made)).status == 200
    made["spec"]["mode"] = "odder"
    made["metadata"].pop("resourceVersion")
    change = orjson.dumps({"spec": {"mode": "odder"}})
    refused = await api.ask("PATCH", f"{TABS}/one", change, content_type=MERGE)
    assert refused.status == 422


async def test_a_new_default_shows_in_old_objects(api: Caller) -> None:
    await _create(api, with_schema(spec_schema(cronSpec={"type": "string"})))
    await api.ask("POST", TABS, tab())
    found = (await api.ask("GET", f"{CRDS}/crontabs.stable.example.com")).json
    wider = spec_schema(cronSpec={"type": "string"}, mode={"type": "string", "default": "new"})
    found["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = wider
    await api.ask("PUT", f"{CRDS}/crontabs.stable.example.com", found)
    assert (await api.ask("GET", f"{TABS}/one")).json["spec"]["mode"] == "new"
    assert (await api.ask("GET", TABS)).json["items"][0]["spec"]["mode"] == "new"


APPLY = "application/apply-patch+yaml"


async def test_server_side_apply_merges_lists_by_their_keys(api: Caller) -> None:
    await _create(api, crd())
    one = tab(envs=[{"name": "a", "value": "1"}])
    first = await api.ask("PATCH", f"{TABS}/one?fieldManager=x", one, content_type=APPLY)
    assert first.status == 201, first.json
    other = tab(envs=[{"name": "b", "value": "2"}])
    second = await api.ask("PATCH", f"{TABS}/one?fieldManager=y", other, content_type=APPLY)
    assert [e["name"] for e in second.json["spec"]["envs"]] == ["a", "b"]
    conflicting = tab(envs=[{"name": "a", "value": "3"}])
    refused = await api.ask("PATCH", f"{TABS}/one?fieldManager=z", conflicting, content_type=APPLY)
    assert refused.status == 409
    assert '.spec.envs[name="a"].value' in refused.json["message"]
    owners = {e["manager"] for e in second.json["metadata"]["managedFields"]}
    assert owners == {"x", "y"}


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("^(?i)(abort|warn)?$", "ABORT", "stop"),
        (r"^\p{L}+$", "é", "1"),
        ("^[[:alpha:]]+$", "ab", "a1"),
        (r"^\w+$", "ab", "é"),
        ("^a$", "a", "a\n"),
    ],
)
async def test_patterns_are_those_of_go(api: Caller, pattern: str, good: str, bad: str) -> None:
    await _create(api, with_schema(spec_schema(word={"type": "string", "pattern": pattern})))
    words = {"apiVersion": "stable.example.com/v1", "kind": "CronTab"}
    fine = {**words, "metadata": {"name": "fine"}, "spec": {"word": good}}
    assert (await api.ask("POST", TABS, fine)).status == 201
    wrong = {**words, "metadata": {"name": "wrong"}, "spec": {"word": bad}}
    assert (await api.ask("POST", TABS, wrong)).status == 422


async def test_a_watch_ends_with_the_definition(api: Caller) -> None:
    await _create(api, crd())
    watching = asyncio.create_task(api.ask("GET", f"{TABS}?watch=1&timeoutSeconds=60"))
    await asyncio.sleep(0)
    name = f"{CRDS}/crontabs.stable.example.com"
    await api.ask("DELETE", name)
    going = (await api.ask("GET", name)).json
    assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    refused = await api.ask("POST", TABS, tab())
    assert refused.status == 405
    assert refused.json["message"] == (
        "create not allowed while custom resource definition is terminating"
    )
    del going["metadata"]["finalizers"]
    assert (await api.ask("PUT", name, going)).status == 200
    assert (await asyncio.wait_for(watching, 5)).status == 200
    assert (await api.ask("GET", TABS)).status == 404
