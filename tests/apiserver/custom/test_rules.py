"""x-kubernetes-validations of custom resources."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.apiserver.conftest import Caller
from tests.apiserver.custom.samples import CRDS, TABS, tab, with_schema

MERGE = "application/merge-patch+json"
INTEGER, STRING = {"type": "integer"}, {"type": "string"}


def _schema(*rules: dict[str, Any], **properties: Any) -> dict[str, Any]:
    spec = {
        "type": "object",
        "x-kubernetes-validations": list(rules),
        "properties": {"cronSpec": STRING, "low": INTEGER, "high": INTEGER, **properties},
    }
    return {"type": "object", "properties": {"spec": spec}}


async def _define(api: Caller, *rules: dict[str, Any], **properties: Any) -> None:
    answer = await api.ask("POST", CRDS, with_schema(_schema(*rules, **properties)))
    assert answer.status == 201, answer.json


async def test_a_rule_refuses(api: Caller) -> None:
    await _define(api, {"rule": "self.low <= self.high", "message": "low is above high"})
    assert (await api.ask("POST", TABS, tab(low=1, high=2))).status == 201
    refused = await api.ask("POST", TABS, tab("two", low=3, high=2))
    assert refused.status == 422
    assert refused.json["message"] == (
        'CronTab.stable.example.com "two" is invalid: spec: Invalid value: low is above high'
    )


@pytest.mark.parametrize(
    ("rule", "cause"),
    [
        ({"rule": "self.low > 5"}, "spec: Invalid value: failed rule: self.low > 5"),
        (
            {"rule": "false", "messageExpression": "'low is ' + string(self.low)"},
            "spec: Invalid value: low is 1",
        ),
        (
            {"rule": "false", "message": "no", "reason": "FieldValueForbidden"},
            "spec: Forbidden: no",
        ),
        (
            {"rule": "false", "message": "no", "fieldPath": ".low", "reason": "FieldValueRequired"},
            "spec.low: Required value: no",
        ),
        ({"rule": "self.high > 1"}, "no such key: high evaluating rule: self.high > 1"),
        ({"rule": "1 / (self.low - 1) > 0"}, "division by zero evaluating rule"),
    ],
)
async def test_what_a_rule_says(api: Caller, rule: dict[str, Any], cause: str) -> None:
    await _define(api, rule)
    refused = await api.ask("POST", TABS, tab(low=1))
    assert refused.status == 422
    assert cause in refused.json["message"]


async def test_transition_rules_see_what_was(api: Caller) -> None:
    await _define(api, {"rule": "self.low >= oldSelf.low", "message": "low never falls"})
    await api.ask("POST", TABS, tab(low=3))
    down = orjson.dumps({"spec": {"low": 2}})
    refused = await api.ask("PATCH", f"{TABS}/one", down, content_type=MERGE)
    assert "low never falls" in refused.json["message"]
    up = orjson.dumps({"spec": {"low": 4}})
    assert (await api.ask("PATCH", f"{TABS}/one", up, content_type=MERGE)).status == 200


async def test_an_optional_old_self_is_there_on_creation_too(api: Caller) -> None:
    rule = "oldSelf.hasValue() ? self.low >= oldSelf.value().low : self.low == 0"
    await _define(api, {"rule": rule, "message": "starts at zero", "optionalOldSelf": True})
    assert (await api.ask("POST", TABS, tab(low=1))).status == 422
    assert (await api.ask("POST", TABS, tab(low=0))).status == 201
    change = orjson.dumps({"spec": {"low": 5}})
    assert (await api.ask("PATCH", f"{TABS}/one", change, content_type=MERGE)).status == 200


async def test_rules_stand_at_items_and_correlate_them_by_key(api: Caller) -> None:
    port = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": STRING, "port": INTEGER},
        "x-kubernetes-validations": [{"rule": "self.port == oldSelf.port", "message": "stays"}],
    }
    ports = {
        "type": "array", "items": port,
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
    }  # fmt: skip
    await _define(api, ports=ports)
    first = [{"name": "a", "port": 1}, {"name": "b", "port": 2}]
    await api.ask("POST", TABS, tab(ports=first))
    turned = orjson.dumps({"spec": {"ports": [first[1], first[0]]}})
    assert (await api.ask("PATCH", f"{TABS}/one", turned, content_type=MERGE)).status == 200
    changed = orjson.dumps({"spec": {"ports": [first[1], {"name": "a", "port": 9}]}})
    refused = await api.ask("PATCH", f"{TABS}/one", changed, content_type=MERGE)
    assert "spec.ports[1]: Invalid value: stays" in refused.json["message"]


async def test_names_are_escaped_and_formats_have_types(api: Caller) -> None:
    rules = [
        {"rule": "self.max__dash__age > duration('1h')"},
        {"rule": "self.since > timestamp('2020-01-01T00:00:00Z')"},
        {"rule": "self.__namespace__ == 'x'"},
        {"rule": "quantity(self.size).isGreaterThan(quantity('1Mi'))"},
        {"rule": "self.share > 0.5"},
    ]
    properties: dict[str, Any] = {
        "max-age": {"type": "string", "format": "duration"},
        "since": {"type": "string", "format": "date-time"},
        "namespace": STRING,
        "size": STRING,
        "share": {"type": "number"},
    }
    await _define(api, *rules, **properties)
    good: dict[str, Any] = {
        "max-age": "2h", "since": "2024-01-01T00:00:00Z", "namespace": "x", "size": "1Gi",
        "share": 1,
    }  # fmt: skip
    made = await api.ask("POST", TABS, tab(**good))
    assert made.status == 201, made.json
    bad = await api.ask("POST", TABS, tab("two", **{**good, "max-age": "5m", "size": "1Ki"}))
    assert len(bad.json["details"]["causes"]) == 2


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"rule": "self.low +"}, ".rule: Invalid value: {"),
        ({"rule": "nobody > 1"}, "undeclared reference to 'nobody' (in container '')"),
        ({"rule": "'a'"}, "cel expression must evaluate to a bool"),
        (
            {"rule": "self.lwo < 1"},
            "compilation failed: ERROR: <input>:1:5: undefined field 'lwo'",
        ),
        ({"rule": "has(self.none)"}, "undefined field 'none'"),
        (
            {"rule": "self.low == 'x'"},
            "found no matching overload for '_==_' applied to '(int, string)'",
        ),
        ({"rule": "true", "messageExpression": "self.cronSpec + self.low"}, "messageExpression"),
        ({"rule": " "}, "rule: Required value: rule is not specified"),
        ({"rule": "true", "messageExpression": "1"}, "messageExpression must evaluate to a string"),
        ({"rule": "true", "fieldPath": ".no"}, 'fieldPath: Invalid value: ".no": must be a valid'),
        ({"rule": "true", "reason": "Odd"}, 'reason: Unsupported value: "Odd"'),
        (
            {"rule": "true", "optionalOldSelf": True},
            "may not be set if oldSelf is not used in rule",
        ),
    ],
)
async def test_a_wrong_rule_is_refused_with_its_definition(
    api: Caller, rule: dict[str, Any], text: str
) -> None:
    answer = await api.ask("POST", CRDS, with_schema(_schema(rule)))
    assert answer.status == 422, answer.json
    assert text in answer.json["message"]


@pytest.mark.parametrize(
    "rule",
    [
        "self.low < 1.5",
        "!has(self.list) || self.list.all(x, x.name == 'a' || x.__namespace__ == 'b')",
        "!has(self.map) || self.map.all(k, self.map[k] > 0 && k.size() > 1)",
        "!has(self.any) || self.any == 'x' || self.any == 3",
        "!has(self.when) || self.when < timestamp('2030-01-01T00:00:00Z')",
        "!has(self.maybe) || self.maybe == null || self.maybe.startsWith('a')",
        "self.?list.orValue([]).size() < 3",
        "!has(self.deep) || self.deep.all(row, row.all(cell, cell != 'x'))",
    ],
)
async def test_a_right_rule_is_taken(api: Caller, rule: str) -> None:
    item = {"type": "object", "properties": {"name": STRING, "namespace": STRING}}
    properties: dict[str, Any] = {
        "list": {"type": "array", "items": item},
        "map": {"type": "object", "additionalProperties": INTEGER},
        "any": {"x-kubernetes-int-or-string": True},
        "when": {"type": "string", "format": "date-time"},
        "maybe": {"type": "string", "nullable": True},
        "deep": {"type": "array", "items": {"type": "array", "items": STRING}},
    }
    await _define(api, {"rule": rule}, **properties)
    full = {
        "low": 1, "list": [{"name": "a"}], "map": {"ab": 1}, "any": 3, "maybe": None,
        "when": "2024-01-01T00:00:00Z", "deep": [["y"]],
    }  # fmt: skip
    made = await api.ask("POST", TABS, tab(**full))
    assert made.status == 201, made.json


async def test_rules_wait_until_the_shape_is_right(api: Caller) -> None:
    await _define(api, {"rule": "self.low <= self.high"})
    refused = await api.ask("POST", TABS, tab(low="x", high=1))
    assert "some validation rules were not checked" in refused.json["message"]
