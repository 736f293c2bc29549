"""JSON as CEL sees it: names that may be written, numbers and times of their types.

`adapt` follows a structural schema; what the schema does not name is not visible to rules.
Models k8s.io/apiserver/pkg/cel/common/values.go and escaping.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

from cluster.apiserver.custom.schema.structural import (
    EMBEDDED,
    INT_OR_STRING,
    PRESERVE,
    Schema,
    additional,
    items_of,
)

RESERVED = frozenset(
    (
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
        "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void",
        "while",
    )
)  # fmt: skip
IDENTIFIER = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
GO_DURATION = re.compile(r"([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)")
UNIT = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
NANOS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
    "h": 3600 * 10**9,
}  # fmt: skip


@lru_cache(maxsize=4096)
def escape(name: str) -> str | None:
    """How a rule writes a property's name; None when it cannot."""
    if name in RESERVED:
        return f"__{name}__"
    text = name.replace("__", "__underscores__")
    for char, word in ((".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        text = text.replace(char, word)
    return text if IDENTIFIER.fullmatch(text) else None


def adapt(value: Any, schema: Schema, root: bool = False) -> Any:
    if isinstance(value, dict):
        return _map(value, schema, root)
    if isinstance(value, list):
        inner = items_of(schema)
        return [adapt(item, inner if inner is not None else {}) for item in value]
    if isinstance(value, str):
        return _text(value, schema.get("format", ""))
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _map(value: dict[str, Any], schema: Schema, root: bool) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    extra = additional(schema)
    if extra is not None and not properties:
        return {key: adapt(item, extra) for key, item in value.items()}
    out: dict[str, Any] = {}
    for key, item in value.items():
        below = properties.get(key)
        if below is None:
            if not (root or schema.get(EMBEDDED)):
                continue
            if key in ("apiVersion", "kind"):
                out[key] = item
            elif key == "metadata" and isinstance(item, dict):
                out[key] = {k: item[k] for k in ("name", "generateName") if k in item}
            continue
        if item is None and not below.get("nullable"):
            continue
        if not visible(below):
            continue
        name = escape(key)
        if name is not None:
            out[name] = adapt(item, below)
    return out


def visible(schema: Schema) -> bool:
    """Objects that may hold anything have no type, and so no place in rules."""
    if schema.get(INT_OR_STRING) or schema.get("type"):
        anything = schema.get(PRESERVE) and not schema.get("properties")
        return not (anything and schema.get("type") == "object" and not additional(schema))
    return False


def _text(value: str, form: str) -> Any:
    if form == "byte":
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            return value
    if form == "duration":
        return duration(value)
    if form in ("date-time", "datetime", "date"):
        stamp = timestamp_pb2.Timestamp()
        try:
            stamp.FromJsonString(f"{value}T00:00:00Z" if form == "date" else value)
        except ValueError:
            return value
        return stamp
    return value


def duration(text: str) -> Any:
    """Go's notation."""
    match = GO_DURATION.fullmatch(text)
    if match is None:
        return text
    nanos = int(sum(float(number) * NANOS[unit] for number, unit in UNIT.findall(match[2])))
    out = duration_pb2.Duration()
    out.FromNanoseconds(-nanos if match[1] == "-" else nanos)
    return out
