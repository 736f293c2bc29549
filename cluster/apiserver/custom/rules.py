"""x-kubernetes-validations: CEL rules of a schema, compiled once and run on every write.

Models apiserver/schema/cel: where a rule stands, `self` is the value there and `oldSelf` what it
was. Not modelled: the cost of expressions, which upstream limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import orjson

from cluster.apiserver.cel.program import CompileError, EvaluationError, Program, compile_expression
from cluster.apiserver.cel.values import adapt
from cluster.apiserver.custom.schema.structural import (
    LIST_TYPE,
    MAP_KEYS,
    MAP_TYPE,
    RULES,
    Schema,
    items_of,
)
from cluster.machinery import errors
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object

VARIABLES = ("self", "oldSelf")
# `oldSelf` is an optional value where a rule says so.
OPTIONAL = (
    "cel.bind(oldSelf, optional__.exists ? optional.of(optional__.value) : optional.none(), ({}))"
)
QUOTED_STEP = re.compile(r"\['((?:\\.|[^'\\])*)'\]")


class Rule:
    """One entry. Raises CompileError when a program is asked for that cannot be compiled."""

    def __init__(self, raw: Object) -> None:
        self.raw = raw
        self.text: str = raw["rule"].strip()
        self.optional = bool(raw.get("optionalOldSelf"))

    @cached_property
    def program(self) -> Program:
        plain = compile_expression(self.text, VARIABLES, ("BOOL",))
        if not self.optional:
            return plain
        wrapped = OPTIONAL.replace("{}", self.text)
        return compile_expression(wrapped, ("self", "optional__"), ("BOOL",))

    @cached_property
    def message_program(self) -> Program | None:
        text = self.raw.get("messageExpression")
        return compile_expression(text, VARIABLES, ("STRING",)) if text else None

    @cached_property
    def uses_old(self) -> bool:
        return compile_expression(self.text, VARIABLES, ("BOOL",)).uses("oldSelf")

    @property
    def shown(self) -> str:
        message: str = self.raw.get("message") or ""
        return message.strip() or self.text

    def message(self, data: dict[str, Any]) -> str:
        if self.message_program is not None:
            try:
                text = str(self.message_program.run(data)).strip()
            except EvaluationError:
                text = ""
            if text and "\n" not in text and len(text) <= 5 * 1024:
                return text
        return (
            self.raw["message"].strip() if self.raw.get("message") else f"failed rule: {self.shown}"
        )

    def path(self, path: str) -> str:
        more = QUOTED_STEP.sub(lambda m: f".{m[1]}", self.raw.get("fieldPath") or "").lstrip(".")
        return f"{path}.{more}" if path and more else path or more


class Node:
    """The rules at one place of the schema, and below it."""

    def __init__(self, schema: Schema, node: Schema, root: bool = False) -> None:
        self.schema = node
        self.root = root
        self.rules = [Rule(raw) for raw in schema.get(RULES) or ()]
        known = node.get("properties") or {}
        self.properties = {
            name: found
            for name, below in (schema.get("properties") or {}).items()
            if name in known and (found := Node(below, known[name])).any
        }
        self.items = _part(items_of(schema), items_of(node))
        self.rest = _part(schema.get("additionalProperties"), node.get("additionalProperties"))
        nested = [Node(part, node, root) for part in schema.get("allOf") or ()]
        self.parts = [part for part in nested if part.any]

    @property
    def any(self) -> bool:
        return bool(self.rules or self.properties or self.items or self.rest or self.parts)

    def validate(self, new: Any, old: Any, path: str) -> Iterator[Cause]:
        if new is None:
            return
        if self.rules:
            yield from self._evaluate(new, old, path)
        for part in self.parts:
            yield from part.validate(new, old, path)
        if isinstance(new, dict):
            yield from self._below_map(new, old if isinstance(old, dict) else {}, path)
        elif isinstance(new, list) and self.items is not None:
            before = _correlated(self.schema, old) if isinstance(old, list) else {}
            for index, item in enumerate(new):
                earlier = before.get(_key(self.schema, item))
                yield from self.items.validate(item, earlier, f"{path}[{index}]")

    def _below_map(self, new: Object, old: Object, path: str) -> Iterator[Cause]:
        if self.schema.get(MAP_TYPE) == "atomic":
            old = {}
        for key, value in new.items():
            below = self.properties.get(key, self.rest)
            if below is not None:
                yield from below.validate(value, old.get(key), f"{path}.{key}" if path else key)

    def _evaluate(self, new: Any, old: Any, path: str) -> Iterator[Cause]:
        value = adapt(new, self.schema, self.root)
        before = adapt(old, self.schema, self.root) if old is not None else None
        data = {"self": value, "oldSelf": before}
        data["optional__"] = {"exists": old is not None, "value": before}
        kind = self.schema.get("type", "")
        for rule in self.rules:
            try:
                if rule.uses_old and old is None and not rule.optional:
                    continue
                if rule.program.run(data) is True:
                    continue
            except CompileError as error:
                yield invalid(path, kind, f"rule compile error: {error.text}")
                continue
            except EvaluationError as error:
                yield invalid(path, kind, runtime_text(error.text, rule))
                continue
            if not rule.uses_old and old is not None and old == new:
                continue  # it was wrong before (CRDValidationRatcheting)
            yield _cause(rule, rule.path(path), new, rule.message(data))


def runtime_text(text: str, rule: Rule) -> str:
    if text.startswith("no such overload"):
        return (
            f"'{text}': call arguments did not match a supported operator, function or macro "
            f"signature for rule: {rule.shown}"
        )
    return f"{text} evaluating rule: {rule.shown}"


def invalid(path: str, value: Any, text: str) -> Cause:
    return errors.invalid_value(path or "<nil>", value, text)


def _cause(rule: Rule, path: str, value: Any, message: str) -> Cause:
    path = path or "<nil>"
    reason = rule.raw.get("reason")
    if reason == "FieldValueForbidden":
        return errors.forbidden_field(path, message)
    if reason == "FieldValueRequired":
        return errors.required(path, message)
    structured = isinstance(value, (dict, list))
    if reason == "FieldValueDuplicate":
        if structured:
            return Cause(path, "FieldValueDuplicate", "Duplicate value")
        return errors.duplicate(path, value)
    if structured:
        return Cause(path, "FieldValueInvalid", f"Invalid value: {message}")
    return errors.invalid_value(path, value, message)


def _part(schema: Any, node: Any) -> Node | None:
    if not isinstance(schema, dict) or not isinstance(node, dict):
        return None
    found = Node(schema, node)
    return found if found.any else None


def _key(schema: Schema, item: Any) -> bytes | None:
    """What tells one item of a list from another; None where the list is no map."""
    if schema.get(LIST_TYPE) != "map" or not isinstance(item, dict):
        return None
    return orjson.dumps([item.get(k) for k in schema.get(MAP_KEYS) or ()])


def _correlated(schema: Schema, old: list[Any]) -> dict[bytes | None, Any]:
    found = {_key(schema, item): item for item in old}
    found.pop(None, None)
    return found


class Rules:
    """All rules of a version."""

    def __init__(self, schema: Schema) -> None:
        self._root = Node(schema, schema, root=True)

    def validate(self, new: Object, old: Object | None) -> list[Cause]:
        return list(self._root.validate(new, old, ""))
