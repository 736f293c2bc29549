"""What is wrong with the CEL rules of a schema, when its definition is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cluster.apiserver.cel.program import CompileError
from cluster.apiserver.custom.rules import QUOTED_STEP, Rule
from cluster.apiserver.custom.schema.structural import RULES, Schema, walk
from cluster.machinery import errors
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.apiserver.cel.typecheck import TypeChecker

REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
LINE_BREAK = re.compile(r"[\n\r]")


def compile_causes(schema: Schema, path: str) -> list[Cause]:
    """What is wrong with the rules of a schema."""
    from cluster.apiserver.cel.typecheck import TypeChecker

    causes: list[Cause] = []
    checker: TypeChecker | None
    try:
        checker = TypeChecker(schema)
    except TypeError:
        checker = None  # a schema that messages cannot say: its rules are looked at when they run
    for where, node in walk(schema, path):
        for index, raw in enumerate(node.get(RULES) or ()):
            here = f"{where}.{RULES}[{index}]"
            causes += _rule_causes(raw, node, here) or _type_causes(raw, node, here, checker)
    return causes


def _type_causes(raw: Object, node: Schema, path: str, checker: TypeChecker | None) -> list[Cause]:
    """Fields that the schema does not have; operators that do not fit their types."""
    if checker is None:
        return []
    optional = bool(raw.get("optionalOldSelf"))
    problem = checker.problem(raw["rule"].strip(), node, optional)
    if problem is not None:
        text = f"compilation failed: {problem}"
        return [errors.invalid_value(f"{path}.rule", _as_go(raw), text)]
    if raw.get("messageExpression"):
        problem = checker.problem(raw["messageExpression"], node, optional)
    if problem is not None:
        text = f"messageExpression compilation failed: {problem}"
        return [errors.invalid_value(f"{path}.messageExpression", _as_go(raw), text)]
    return []


def _rule_causes(raw: Object, schema: Schema, path: str) -> list[Cause]:
    causes = _written(raw, path)
    if raw.get("fieldPath") and not _leads_somewhere(schema, raw["fieldPath"]):
        where = f"{path}.fieldPath"
        causes.append(errors.invalid_value(where, raw["fieldPath"], "must be a valid path"))
    if causes:
        return causes
    rule = Rule(raw)
    try:
        uses_old = rule.uses_old
    except CompileError as error:
        text = error.text
        if text.startswith("must evaluate"):
            text = "cel expression must evaluate to a bool"
        return [errors.invalid_value(f"{path}.rule", _as_go(raw), text)]
    if "optionalOldSelf" in raw and not uses_old:
        text = "may not be set if oldSelf is not used in rule"
        causes.append(errors.invalid_value(f"{path}.optionalOldSelf", rule.optional, text))
    try:
        _ = rule.message_program
    except CompileError as error:
        where, text = f"{path}.messageExpression", f"messageExpression {error.text}"
        if "must evaluate" in text:
            text = "messageExpression must evaluate to a string"
        causes.append(errors.invalid_value(where, _as_go(raw), text))
    return causes


def _written(raw: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    rule, message = (raw.get("rule") or "").strip(), raw.get("message") or ""
    if not rule:
        causes.append(errors.required(f"{path}.rule", "rule is not specified"))
    elif message and not message.strip():
        text = "must be non-empty if specified"
        causes.append(errors.invalid_value(f"{path}.message", message, text))
    elif LINE_BREAK.search(message.strip()):
        text = "must not contain line breaks"
        causes.append(errors.invalid_value(f"{path}.message", message, text))
    elif LINE_BREAK.search(rule) and not message.strip():
        text = "message must be specified if rule contains line breaks"
        causes.append(errors.required(f"{path}.message", text))
    if raw.get("messageExpression") and not raw["messageExpression"].strip():
        text = "messageExpression must be non-empty if specified"
        causes.append(errors.required(f"{path}.messageExpression", text))
    reason = raw.get("reason")
    if reason is not None and reason not in REASONS:
        causes.append(errors.not_supported(f"{path}.reason", reason, REASONS))
    return causes


def _leads_somewhere(schema: Schema, path: str) -> bool:
    found: Any = schema
    steps = QUOTED_STEP.sub(lambda m: "." + m[1].replace(".", "\0"), path).lstrip(".").split(".")
    for step in steps:
        properties = found.get("properties") or {}
        extra = found.get("additionalProperties")
        found = properties.get(step.replace("\0", "."), extra if isinstance(extra, dict) else None)
        if not isinstance(found, dict):
            return False
    return True


def _as_go(raw: Object) -> Object:
    """The internal type, whose fields have no JSON names."""
    return {
        "Rule": raw.get("rule", ""),
        "Message": raw.get("message", ""),
        "MessageExpression": raw.get("messageExpression", ""),
        "Reason": raw.get("reason"),
        "FieldPath": raw.get("fieldPath", ""),
        "OptionalOldSelf": raw.get("optionalOldSelf"),
    }
