"""A ValidatingAdmissionPolicy with its programs, and the evaluation of one request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

from cluster.apiserver.admission.attributes import Attributes
from cluster.apiserver.admission.authorization import asking
from cluster.apiserver.admission.matching import ConditionError, conditions_hold
from cluster.apiserver.admission.policy.denial import Denial
from cluster.apiserver.cel.program import CompileError, EvaluationError, compile_expression
from cluster.machinery.meta import Object

VARIABLES = (
    "object", "oldObject", "request", "params", "namespaceObject", "variables", "authorizer",
)  # fmt: skip
MESSAGE_LIMIT = 5 * 1024


class Policy:
    def __init__(self, raw: Object) -> None:
        self.raw = raw
        self.name: str = raw["metadata"]["name"]
        self.spec: Object = raw["spec"]
        self.ignores = self.spec.get("failurePolicy") == "Ignore"

    def evaluate(self, attributes: Attributes, data: dict[str, Any]) -> Iterator[Denial]:
        """What speaks against the request; `data` has every variable but `variables`."""
        names = tuple(n for n in VARIABLES if n in data or n == "variables")
        conditions = self.spec.get("matchConditions") or ()
        try:
            if not conditions_hold(conditions, {**data, "variables": {}}, attributes, VARIABLES):
                return
        except ConditionError as error:
            yield from self._failed(str(error))
            return
        with asking(attributes.ctx):
            values, failed = self._variables(data, names)
            scope = {**data, "variables": values}
            for validation in self.spec.get("validations") or ():
                yield from self._validate(validation, scope, failed)

    def _failed(self, text: str) -> Iterator[Denial]:
        if not self.ignores:
            yield Denial(text, is_error=True)

    def _variables(
        self, data: dict[str, Any], names: tuple[str, ...]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Values of the policy's variables, and the errors of those that have none."""
        values: dict[str, Any] = {}
        failed: dict[str, str] = {}
        for variable in self.spec.get("variables") or ():
            name = variable["name"]
            try:
                program = compile_expression(variable["expression"], VARIABLES)
                values[name] = again(program.run({**data, "variables": values}))
            except CompileError as error:
                failed[name] = error.text
            except EvaluationError as error:
                failed[name] = _missing(error.text, failed)
        return values, failed

    def _validate(
        self, validation: Object, scope: dict[str, Any], failed: dict[str, str]
    ) -> Iterator[Denial]:
        expression = validation["expression"]
        try:
            holds = compile_expression(expression, VARIABLES, ("BOOL",)).run(scope)
        except CompileError as error:
            yield from self._failed(error.text)
            return
        except EvaluationError as error:
            text = _missing(error.text, failed)
            yield from self._failed(f"expression '{expression}' resulted in error: {text}")
            return
        if holds is not True:
            reason = validation.get("reason") or "Invalid"
            yield Denial(_message(validation, scope), reason)

    def notes(self, attributes: Attributes, data: dict[str, Any]) -> dict[str, str]:
        """auditAnnotations."""
        out = {}
        with asking(attributes.ctx):
            values, _ = self._variables(data, VARIABLES)
            for note in self.spec.get("auditAnnotations") or ():
                try:
                    program = compile_expression(note["valueExpression"], VARIABLES)
                    text = program.run({**data, "variables": values})
                except (CompileError, EvaluationError):
                    continue
                if isinstance(text, str) and text.strip():
                    out[f"{self.name}/{note['key']}"] = text.strip()
        return out


def _missing(text: str, failed: dict[str, str]) -> str:
    name = text.removeprefix("no such key: ")
    if name in failed:
        return f'composited variable "{name}" fails to evaluate: {failed[name]}'
    return text


def _message(validation: Object, scope: dict[str, Any]) -> str:
    expression = validation.get("messageExpression")
    if expression:
        try:
            found = compile_expression(expression, VARIABLES, ("STRING",)).run(scope)
        except (CompileError, EvaluationError):
            found = None
        text = found.strip() if isinstance(found, str) else ""
        if text and "\n" not in text and len(text) <= MESSAGE_LIMIT:
            return text
    if validation.get("message"):
        said: str = validation["message"]
        return said.strip()
    return f"failed expression: {validation['expression'].strip()}"


def again(value: Any) -> Any:
    """A result in a form that another expression takes."""
    if isinstance(value, datetime):
        stamp = timestamp_pb2.Timestamp()
        stamp.FromDatetime(value)
        return stamp
    if isinstance(value, timedelta):
        span = duration_pb2.Duration()
        span.FromTimedelta(value)
        return span
    if isinstance(value, dict):
        return {k: again(v) for k, v in value.items()}
    if isinstance(value, list):
        return [again(v) for v in value]
    return value
