"""The string formats that CRDs may ask for. Models apiserver/validation/formats.go and strfmt."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cluster.apiserver.custom.schema.structural import Schema
from cluster.machinery.errors import Cause

if TYPE_CHECKING:
    from cluster.apiserver.custom.schema.validation import Checker, Findings

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
HOST = re.compile(
    r"(?i)(?=.{1,255}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?"
)
GO_DURATION = re.compile(r"[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
SCALA_DURATION = re.compile(
    r"\d+\s*(ns|nano(s|second|seconds)?|µs|us|micro(s|second|seconds)?|ms|milli(s|second|seconds)?|"
    r"s|sec(s|ond|onds)?|m|min(s|ute|utes)?|h|hr(s)?|hour(s)?|d|day(s)?|w|wk(s)?|week(s)?)"
)
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[tT ]\d{2}:\d{2}:\d{2}([.,]\d+)?([zZ]|[-+]\d{2}:?\d{2})")
PATTERNS = {
    "ssn": r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    "hexcolor": r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
    "rgbcolor": r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)",
    "bsonobjectid": r"[0-9a-fA-F]{24}",
    "uuid": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "uuid3": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "uuid4": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}",
    "uuid5": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}",
    "creditcard": r"\d[\d -]{11,22}",
    "isbn": r"[\d -]{9,16}[\dX]",
    "isbn10": r"[\d -]{9,12}[\dX]",
    "isbn13": r"[\d -]{13,17}",
    "mac": r"([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5,19}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2,9})",
    "email": r"[^@\s]+@[^@\s]+",
    "k8sshortname": rf"(?=.{{1,63}}$){LABEL}",
    "k8slongname": rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*",
}


def _ip(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def _date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def _datetime(text: str) -> bool:
    return DATETIME.fullmatch(text) is not None and _date(text[:10])


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _uri(text: str) -> bool:
    try:
        found = urlsplit(text)
    except ValueError:
        return False
    return bool(found.scheme) or text.startswith("/")


def _duration(text: str) -> bool:
    return bool(GO_DURATION.fullmatch(text) or SCALA_DURATION.fullmatch(text))


CHECKS: dict[str, Callable[[str], bool]] = {
    "ipv4": _ip(4),
    "ipv6": _ip(6),
    "cidr": _cidr,
    "date": _date,
    "datetime": _datetime,
    "byte": _byte,
    "uri": _uri,
    "duration": _duration,
    "hostname": lambda text: HOST.fullmatch(text) is not None,
    "password": lambda text: True,
    **{
        name: lambda text, p=re.compile(pattern): p.fullmatch(text) is not None  # type: ignore[misc]
        for name, pattern in PATTERNS.items()
    },
}
NUMERIC = {"integer": ("int32", "int64"), "number": ("float", "double")}


def normal(name: str) -> str:
    return name.replace("-", "")


def recognised(schema: Schema) -> bool:
    """False for a format that is ignored (and warned about)."""
    form, kind = schema.get("format") or "", schema.get("type") or ""
    if not form:
        return True
    if kind in NUMERIC:
        return form in NUMERIC[kind]
    return kind in ("", "string") and normal(form) in CHECKS


def checker(schema: Schema) -> Checker | None:
    form = schema.get("format")
    if not form or schema.get("type") not in (None, "string"):
        return None
    fits = CHECKS.get(normal(form))
    if fits is None:
        return None

    def check(value: Any, path: str, found: Findings) -> None:
        if fits(value):
            found.passed += 1
            return
        name = path.lstrip(".") or "<nil>"
        text = f'{name} in body must be of type {form}: "{value}"'
        message = f'Invalid value: "{value}": {text}'
        found.causes.append(Cause(name, "FieldValueTypeInvalid", message))

    return check
