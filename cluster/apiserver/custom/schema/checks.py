"""The checks of one schema node, by the type of the value they look at."""

from __future__ import annotations

import math
from typing import Any

import orjson

from cluster.apiserver.custom.schema.patterns import pattern_of
from cluster.apiserver.custom.schema.structural import Schema, additional, items_of
from cluster.apiserver.custom.schema.validation import (
    Checker,
    Findings,
    at,
    compile_schema,
    invalid,
)
from cluster.machinery import errors
from cluster.machinery.errors import Cause

INT32 = 2**31


def go_number(value: Any) -> str:
    """A float64 as Go's %v prints it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


def enum(schema: Schema) -> Checker | None:
    values = schema.get("enum")
    if not values:
        return None
    shown = [v if isinstance(v, str) else orjson.dumps(v).decode() for v in values]

    def check(value: Any, path: str, found: Findings) -> None:
        if any(_same(value, allowed) for allowed in values):
            found.passed += 1
        else:
            listed = ", ".join(f'"{v}"' for v in shown)
            text = f"Unsupported value: {errors._quote(value)}: supported values: {listed}"
            found.causes.append(Cause(at(path), "FieldValueNotSupported", text))

    return check


def strings(schema: Schema) -> list[Checker]:
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    pattern = schema.get("pattern")
    if longest is None and shortest is None and not pattern:
        return []
    compiled = pattern_of(pattern) if pattern else None

    def check(value: str, path: str, found: Findings) -> None:
        if longest is not None and len(value) > longest:
            text = f"Too long: may not be more than {longest} bytes"
            found.causes.append(Cause(at(path), "FieldValueTooLong", text))
        elif shortest is not None and len(value) < shortest:
            text = f"{at(path)} in body should be at least {shortest} chars long"
            found.causes.append(invalid(path, value, text))
        elif compiled is not None and compiled.search(value) is None:
            text = f"{at(path)} in body should match '{pattern}'"
            found.causes.append(invalid(path, value, text))
        else:
            found.passed += 1

    return [check]


def numbers(schema: Schema) -> list[Checker]:
    out: list[Checker] = []
    top, bottom = schema.get("maximum"), schema.get("minimum")
    multiple, form = schema.get("multipleOf"), schema.get("format")

    def bounds(value: float, path: str, found: Findings) -> None:
        text = ""
        if top is not None:
            if schema.get("exclusiveMaximum") and value >= top:
                text = f"should be less than {go_number(top)}"
            elif value > top:
                text = f"should be less than or equal to {go_number(top)}"
        if not text and bottom is not None:
            if schema.get("exclusiveMinimum") and value <= bottom:
                text = f"should be greater than {go_number(bottom)}"
            elif value < bottom:
                text = f"should be greater than or equal to {go_number(bottom)}"
        _tell(text, value, path, found)

    def multiples(value: float, path: str, found: Findings) -> None:
        ratio = value / multiple if multiple else 0.0
        fits = math.isclose(ratio, round(ratio), abs_tol=1e-9)
        text = "" if fits else f"should be a multiple of {go_number(multiple)}"
        _tell(text, value, path, found)

    def size(value: float, path: str, found: Findings) -> None:
        if not -INT32 <= value < INT32:
            text = f"Checked value must be of type integer with format int32 in {at(path)}"
            found.causes.append(errors.invalid_value("<nil>", "", text))

    if top is not None or bottom is not None:
        out.append(bounds)
    if multiple:
        out.append(multiples)
    if form == "int32":
        out.append(size)
    return out


def _tell(text: str, value: Any, path: str, found: Findings) -> None:
    if text:
        found.causes.append(invalid(path, value, f"{at(path)} in body {text}"))
    else:
        found.passed += 1


def too_many(path: str, have: int, most: int) -> Cause:
    text = f"Too many: {have}: must have at most {most} items"
    return Cause(at(path), "FieldValueTooMany", text)


def arrays(schema: Schema) -> list[Checker]:
    inner = items_of(schema)
    item = compile_schema(inner) if inner is not None else None
    least, most, unique = (schema.get(k) for k in ("minItems", "maxItems", "uniqueItems"))

    def check(value: list[Any], path: str, found: Findings) -> None:
        if item is not None:
            for index, entry in enumerate(value):
                item(entry, f"{path}[{index}]", found)
        if least is not None and len(value) < least:
            text = f"{at(path)} in body should have at least {least} items"
            found.causes.append(invalid(path, len(value), text))
        if most is not None and len(value) > most:
            found.causes.append(too_many(path, len(value), most))
        if unique and any(_same(a, b) for i, a in enumerate(value) for b in value[:i]):
            text = f"{at(path)} in body shouldn't contain duplicates"
            found.causes.append(invalid(path, None, text))
        found.passed += 1

    return [check]


def objects(schema: Schema) -> list[Checker]:
    properties = {k: compile_schema(v) for k, v in (schema.get("properties") or {}).items()}
    extra_schema = additional(schema)
    extra = compile_schema(extra_schema) if extra_schema else None
    closed = schema.get("additionalProperties") is False
    required = tuple(schema.get("required") or ())
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if not (properties or extra or closed or required or least is not None or most is not None):
        return []

    def check(value: dict[str, Any], path: str, found: Findings) -> None:
        if least is not None and len(value) < least:
            text = f"{at(path)} in body should have at least {least} properties"
            found.causes.append(invalid(path, len(value), text))
        if most is not None and len(value) > most:
            found.causes.append(too_many(path, len(value), most))
        for key, entry in value.items():
            checker = properties.get(key, extra)
            if checker is not None:
                checker(entry, f"{path}.{key}" if path else key, found)
            elif closed:
                text = f"{path}.{key} in body is a forbidden property"
                found.causes.append(invalid(path, key, text))
        for name in required:
            if name not in value:
                found.causes.append(errors.required(at(f"{path}.{name}")))
        found.passed += 1

    return [check]
