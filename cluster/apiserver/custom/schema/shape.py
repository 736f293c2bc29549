"""Is a schema a schema at all? The published definitions let anything pass below `items` and
`additionalProperties`. Models the decoding of JSONSchemaProps."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom.schema.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_TYPE,
    MAP_KEYS,
    MAP_TYPE,
    PRESERVE,
    RULES,
)
from cluster.machinery import errors

TEXTS = (
    "id", "$schema", "$ref", "description", "type", "format", "title", "pattern", LIST_TYPE,
    MAP_TYPE,
)  # fmt: skip
NUMBERS = ("maximum", "minimum", "multipleOf")
COUNTS = (
    "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties",
)  # fmt: skip
FLAGS = ("exclusiveMaximum", "exclusiveMinimum", "uniqueItems", "nullable", PRESERVE, EMBEDDED,
         INT_OR_STRING)  # fmt: skip
NAMES = ("required", MAP_KEYS)
RULE_TEXTS = ("rule", "message", "messageExpression", "reason", "fieldPath")


def check(schema: Any, path: str) -> None:
    """Raises StatusError 400."""
    _expect(schema, dict, path, "apiextensions.JSONSchemaProps")
    for names, kind, go in (
        (TEXTS, str, "string"), (NUMBERS, (int, float), "float64"), (COUNTS, int, "int64"),
        (FLAGS, bool, "bool"), (("enum", "allOf", "anyOf", "oneOf", RULES), list, "slice"),
        (("properties",), dict, "map"),
    ):  # fmt: skip
        for name in names:
            if schema.get(name) is not None:
                _expect(schema[name], kind, f"{path}.{name}", go)
    for name in NAMES:
        for entry in _list(schema.get(name), f"{path}.{name}"):
            _expect(entry, str, f"{path}.{name}", "string")
    for index, rule in enumerate(schema.get(RULES) or ()):
        _rule(rule, f"{path}.{RULES}[{index}]")
    _below(schema, path)


def _below(schema: dict[str, Any], path: str) -> None:
    for name, below in (schema.get("properties") or {}).items():
        check(below, f"{path}.properties.{name}")
    for name in ("allOf", "anyOf", "oneOf"):
        for below in schema.get(name) or ():
            check(below, f"{path}.{name}")
    if schema.get("not") is not None:
        check(schema["not"], f"{path}.not")
    items = schema.get("items")
    for below in items if isinstance(items, list) else () if items is None else (items,):
        check(below, f"{path}.items")
    extra = schema.get("additionalProperties")
    if extra is not None and not isinstance(extra, bool):
        check(extra, f"{path}.additionalProperties")


def _rule(rule: Any, path: str) -> None:
    _expect(rule, dict, path, "apiextensions.ValidationRule")
    for name in RULE_TEXTS:
        if rule.get(name) is not None:
            _expect(rule[name], str, f"{path}.{name}", "string")
    if rule.get("optionalOldSelf") is not None:
        _expect(rule["optionalOldSelf"], bool, f"{path}.optionalOldSelf", "bool")


def _list(value: Any, path: str) -> list[Any]:
    if value is None:
        return []
    _expect(value, list, path, "[]string")
    found: list[Any] = value
    return found


def _expect(value: Any, kind: Any, path: str, go: str) -> None:
    wrong = isinstance(value, bool) and kind is not bool
    if isinstance(value, kind) and not wrong:
        return
    raise errors.bad_request(
        'CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: '
        f"json: cannot unmarshal {_word(value)} into Go struct field {path} of type {go}"
    )


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    words = {str: "string", int: "number", float: "number", dict: "object", list: "array"}
    return words.get(type(value), "null")
