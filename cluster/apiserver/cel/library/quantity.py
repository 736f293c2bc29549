"""quantity("1.5Gi") and what may be asked of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cluster.apiserver.cel.library.signature import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    STRING,
    Signature,
    total,
)
from cluster.machinery import quantity

MARK = "$quantity"
INT64 = 2**63


def _make(value: Fraction) -> dict[str, str]:
    return {MARK: str(value)}


def _parse(text: str) -> dict[str, str]:
    return _make(Fraction(quantity.parse(text)))


def _is_quantity(text: Any) -> bool:
    try:
        quantity.parse(text)
    except (ValueError, TypeError):
        return False
    return True


def _value(found: Any) -> Fraction:
    if isinstance(found, dict):
        return Fraction(found[MARK])
    return Fraction(found)


def _is_integer(found: Any) -> bool:
    value = _value(found)
    return value.denominator == 1 and -INT64 <= value < INT64


def _as_integer(found: Any) -> int:
    if not _is_integer(found):
        raise ValueError("cannot convert value to integer")
    return int(_value(found))


def _sign(found: Any) -> int:
    value = _value(found)
    return (value > 0) - (value < 0)


SIGNATURES = (
    total("quantity", (STRING,), DYN, _parse),
    total("isQuantity", (STRING,), BOOL, _is_quantity),
    Signature("sign", (DYN,), INT, _sign),
    Signature("isInteger", (DYN,), BOOL, _is_integer),
    Signature("asInteger", (DYN,), INT, _as_integer),
    Signature("asApproximateFloat", (DYN,), DOUBLE, lambda found: float(_value(found))),
    Signature("add", (DYN, DYN), DYN, lambda a, b: _make(_value(a) + _value(b))),
    Signature("sub", (DYN, DYN), DYN, lambda a, b: _make(_value(a) - _value(b))),
)
