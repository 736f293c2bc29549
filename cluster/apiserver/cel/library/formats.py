"""format.dns1123Label().validate("x"): an optional list of errors.

The evaluator makes no optionals of our values, so the answer is a map with the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.apiserver.cel.library.signature import BOOL, DYN, MAP, STRING, Signature, total
from cluster.apiserver.custom.schema import formats
from cluster.apiserver.kinds import names
from cluster.machinery import selectors

MARK, ERRORS = "$format", "$errors"


def _prefixed(rule: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Names that are prefixes may end in a dash."""
    return lambda text: rule(text[:-1] + "a" if text.endswith("-") else text)


def _known(name: str) -> Callable[[str], list[str]]:
    check = formats.CHECKS[name]
    return lambda text: [] if check(text) else [f"invalid {name}"]


FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": names.label,
    "dns1123Subdomain": names.subdomain,
    "dns1035Label": names.label_1035,
    "dns1123LabelPrefix": _prefixed(names.label),
    "dns1123SubdomainPrefix": _prefixed(names.subdomain),
    "dns1035LabelPrefix": _prefixed(names.label_1035),
    "qualifiedName": lambda t: [] if selectors.is_label_key(t) else [selectors.NAME_FORMAT],
    "labelValue": lambda t: [] if selectors.is_label_value(t) else [names.LABEL_VALUE_TEXT],
    "uri": _known("uri"),
    "uuid": _known("uuid"),
    "byte": _known("byte"),
    "date": _known("date"),
    "datetime": _known("datetime"),
}


def _named(name: str) -> Any:
    return {MARK: name} if name in FORMATS else {ERRORS: []}


def _make(name: str) -> Callable[[], Any]:
    return lambda: {MARK: name}


def _validate(found: Any, text: str) -> Any:
    return {ERRORS: FORMATS[found[MARK]](text)}


def _has(found: dict[str, Any]) -> bool:
    return bool(found.get(ERRORS)) or MARK in found


def _value(found: dict[str, Any]) -> Any:
    return found if MARK in found else found[ERRORS]


SIGNATURES = (
    total("format.named", (STRING,), MAP, _named),
    *(total(f"format.{name}", (), MAP, _make(name)) for name in FORMATS),
    Signature("validate", (MAP, STRING), DYN, _validate),
    Signature("hasValue", (MAP,), BOOL, _has),
    Signature("value", (MAP,), DYN, _value),
    Signature("orValue", (MAP, DYN), DYN, lambda f, other: _value(f) if _has(f) else other),
)
