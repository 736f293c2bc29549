"""Resource quantities: `100m`, `1.5`, `64Mi`, `1e3`. Models k8s.io/apimachinery/pkg/api/resource.

Values are exact integers: `milli` in thousandths (for cpu), `value` in whole units rounded up
(for memory, storage, pods), as upstream's MilliValue and Value.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
}
_PATTERN = re.compile(
    r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?)"
)
FORMAT = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


@lru_cache(maxsize=65536)
def parse(text: str) -> Decimal:
    """The exact value; ValueError with upstream's text when it is no quantity."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(FORMAT)
    number, exponent, suffix = match.groups()
    value = Decimal(number)
    if exponent:
        return value * Decimal(10) ** int(exponent[1:])
    if suffix in _BINARY:
        return value * _BINARY[suffix]
    return value * _DECIMAL[suffix or ""]


def _as_text(quantity: str | int | float) -> str:
    return quantity if isinstance(quantity, str) else str(quantity)


def _ceil(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_CEILING))


@lru_cache(maxsize=65536)
def _milli(text: str) -> int:
    return _ceil(parse(text) * 1000)


@lru_cache(maxsize=65536)
def _value(text: str) -> int:
    return _ceil(parse(text))


def milli(quantity: str | int | float) -> int:
    return _milli(_as_text(quantity))


def value(quantity: str | int | float) -> int:
    return _value(_as_text(quantity))


def is_valid(quantity: object) -> bool:
    if isinstance(quantity, bool) or not isinstance(quantity, (str, int, float)):
        return False
    return _PATTERN.fullmatch(_as_text(quantity)) is not None


def problem(text: str) -> str:
    """What upstream's parser says of a text that is no quantity."""
    if re.fullmatch(r"[+-]?[0-9.]+[eEinumkKMGTP]+[-+]?[0-9]*", text) and text.count(".") < 2:
        return "unable to parse quantity's suffix"
    return FORMAT


def format_milli(thousandths: int) -> str:
    """DecimalSI canonical form of a cpu amount: 1500 -> `1500m`, 2000 -> `2`."""
    if thousandths % 1000 == 0:
        return format_decimal(thousandths // 1000)
    return f"{thousandths}m"


def format_decimal(amount: int) -> str:
    """DecimalSI: the largest suffix that leaves an integer: 2000 -> `2k`."""
    if amount == 0:
        return "0"
    for suffix, factor in (("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3)):
        if amount % 10**factor == 0:
            return f"{amount // 10**factor}{suffix}"
    return str(amount)


def format_binary(amount: int) -> str:
    """BinarySI: 67108864 -> `64Mi`; numbers below 1024 or not a multiple stay plain."""
    if amount == 0:
        return "0"
    for suffix in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        if amount % _BINARY[suffix] == 0:
            return f"{amount // _BINARY[suffix]}{suffix}"
    return str(amount)


@lru_cache(maxsize=65536)
def _canonical(text: str) -> str:
    exact = parse(text)
    match = _PATTERN.fullmatch(text)
    assert match is not None
    if match[3] in _BINARY and exact == exact.to_integral_value():
        return format_binary(int(exact))
    nano = _ceil(exact * 10**9)
    for suffix, factor in (("", 10**9), ("m", 10**6), ("u", 10**3)):
        if nano % factor == 0:
            amount = nano // factor
            return format_decimal(amount) if not suffix else f"{amount}{suffix}"
    return f"{nano}n"


def canonical(quantity: str | int | float) -> str:
    """The form in which the API server stores it: `1000m` -> `1`, `1024Mi` -> `1Gi`."""
    return _canonical(_as_text(quantity))
