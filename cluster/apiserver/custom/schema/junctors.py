"""anyOf, oneOf, allOf, not. Models kube-openapi's schema_props.go."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.custom.schema.structural import Schema
from cluster.apiserver.custom.schema.validation import (
    Checker,
    Findings,
    compile_schema,
    composite,
)


def compile_junctors(schema: Schema) -> Checker:
    any_of, one_of, all_of = (
        [compile_schema(s) for s in schema.get(name) or ()] for name in ("anyOf", "oneOf", "allOf")
    )
    forbidden = compile_schema(schema["not"]) if schema.get("not") else None

    def check(value: Any, path: str, found: Findings) -> None:
        if any_of:
            _any(any_of, value, path, found)
        if one_of:
            _one(one_of, value, path, found)
        if all_of:
            _all(all_of, value, path, found)
        if forbidden is not None and not _try(forbidden, value, path).causes:
            found.causes.append(composite(f'"{path}" must not validate the schema (not)'))

    return check


def _try(checker: Checker, value: Any, path: str) -> Findings:
    found = Findings()
    checker(value, path, found)
    return found


def _best(tried: list[Findings]) -> Findings:
    best = tried[0]
    for one in tried[1:]:
        if one.passed > best.passed:
            best = one
    return best


def _any(checkers: list[Checker], value: Any, path: str, found: Findings) -> None:
    tried = []
    for checker in checkers:
        result = _try(checker, value, path)
        if not result.causes:
            found.merge(result)
            return
        tried.append(result)
    found.causes.append(composite(f'"{path}" must validate at least one schema (anyOf)'))
    found.merge(_best(tried))


def _one(checkers: list[Checker], value: Any, path: str, found: Findings) -> None:
    tried = [_try(checker, value, path) for checker in checkers]
    fitting = [t for t in tried if not t.causes]
    if len(fitting) == 1:
        found.merge(fitting[0])
        return
    more = f"Found {len(fitting)} valid alternatives" if fitting else "Found none valid"
    text = f'"{path}" must validate one and only one schema (oneOf). {more}'
    found.causes.append(composite(text))
    if not fitting:
        found.merge(_best(tried))


def _all(checkers: list[Checker], value: Any, path: str, found: Findings) -> None:
    tried = [_try(checker, value, path) for checker in checkers]
    for result in tried:
        found.merge(result)
    fitting = sum(not t.causes for t in tried)
    if fitting != len(tried):
        more = "" if fitting else ". None validated"
        found.causes.append(composite(f'"{path}" must validate all the schemas (allOf){more}'))
