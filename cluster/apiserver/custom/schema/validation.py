"""Does an object fit its schema? Schemas compile to closures, once.

A checker gets a value and its path, adds causes, and returns how many checks it passed: of several
alternatives that all fail, the errors of the best one are told. Models kube-openapi/pkg/validation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cluster.apiserver.custom.schema import formats
from cluster.apiserver.custom.schema.structural import INT_OR_STRING, JUNCTORS, Schema
from cluster.machinery import errors
from cluster.machinery.errors import Cause

ROOT = "<nil>"  # how Go prints the path of an error that has none


@dataclass(slots=True)
class Findings:
    causes: list[Cause] = field(default_factory=list)
    passed: int = 0

    def merge(self, other: Findings) -> None:
        self.causes += other.causes
        self.passed += other.passed


Checker = Callable[[Any, str, Findings], None]


def at(path: str) -> str:
    return path.lstrip(".") or ROOT


def invalid(path: str, value: Any, text: str) -> Cause:
    return errors.invalid_value(at(path), "" if value is None else value, text)


def composite(text: str) -> Cause:
    return errors.invalid_value(ROOT, "", text)


def wrong_type(path: str, wanted: str, have: str) -> Cause:
    name = at(path) if path else ""
    text = f'{name} in body must be of type {wanted}: "{have}"'
    return Cause(at(path), "FieldValueTypeInvalid", f'Invalid value: "{have}": {text}')


class Validator:
    """`validate` looks at a whole object, `validate_at` at a part of it."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    @cached_property
    def _root(self) -> Checker:
        return compile_schema(self._schema)

    @cached_property
    def _status(self) -> Checker:
        properties = self._schema.get("properties") or {}
        return compile_schema(properties.get("status") or {})

    def validate(self, obj: Any) -> list[Cause]:
        found = Findings()
        self._root(obj, "", found)
        return found.causes

    def validate_status(self, status: Any) -> list[Cause]:
        found = Findings()
        self._status(status, "status", found)
        return found.causes


def type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "null" if value is None else "object"


def compile_schema(schema: Schema) -> Checker:
    from cluster.apiserver.custom.schema import checks, junctors

    types: tuple[str, ...] = ("integer", "string") if schema.get(INT_OR_STRING) else ()
    if not types and schema.get("type"):
        types = (schema["type"],)
    parts: dict[str, list[Checker]] = {"string": [], "number": [], "array": [], "object": []}
    always: list[Checker] = []
    if any(schema.get(j) for j in (*JUNCTORS, "not")):
        always.append(junctors.compile_junctors(schema))
    parts["string"] += checks.strings(schema)
    parts["number"] += checks.numbers(schema)
    parts["array"] += checks.arrays(schema)
    parts["object"] += checks.objects(schema)
    parts["integer"] = parts["number"]
    enum = checks.enum(schema)
    format_checker = formats.checker(schema)
    nullable = bool(schema.get("nullable"))

    def check(value: Any, path: str, found: Findings) -> None:
        have = type_name(value)
        if value is None:
            if types and not nullable:
                found.causes.append(wrong_type(path, ",".join(types), "null"))
            else:
                found.passed += 1
            if enum is not None and not nullable:
                enum(value, path, found)
            return
        if types and not _fits(have, value, types):
            found.causes.append(wrong_type(path, ",".join(types), have))
        else:
            found.passed += 1
        for checker in always:
            checker(value, path, found)
        for checker in parts.get(have, ()):
            checker(value, path, found)
        if format_checker is not None and have == "string":
            format_checker(value, path, found)
        if enum is not None:
            enum(value, path, found)

    return check


def _fits(have: str, value: Any, types: tuple[str, ...]) -> bool:
    if have in types:
        return True
    if have == "integer":
        return "number" in types
    return have == "number" and "integer" in types and float(value).is_integer()
