"""Checks of quantities and of numbers that may be percentages. Models pkg/apis/core/validation."""

from __future__ import annotations

from typing import Any

from cluster.machinery import quantity
from cluster.machinery.errors import Cause, invalid_value

NEGATIVE = "must be greater than or equal to 0"
NOT_POSITIVE = "must be greater than zero"
NOT_INTEGER = "must be an integer"
PERCENT_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)
INTEGERS = ("pods", "services", "replicationcontrollers", "resourcequotas", "secrets",
            "configmaps", "persistentvolumeclaims", "services.nodeports",
            "services.loadbalancers")  # fmt: skip


def positive(amount: Any, path: str) -> list[Cause]:
    if not quantity.is_valid(amount):
        return [invalid_value(path, amount, quantity.FORMAT)]
    if quantity.parse(str(amount)) <= 0:
        return [invalid_value(path, str(amount), NOT_POSITIVE)]
    return []


def not_less_than_zero(amount: Any, path: str) -> list[Cause]:
    if not quantity.is_valid(amount):
        return [invalid_value(path, amount, quantity.FORMAT)]
    if quantity.parse(str(amount)) < 0:
        return [invalid_value(path, str(amount), NEGATIVE)]
    return []


def resource_amount(name: str, amount: Any, path: str) -> list[Cause]:
    """Models ValidateResourceQuantityValue: what counts things is a whole number."""
    causes = not_less_than_zero(amount, path)
    if not causes and is_integer_resource(name):
        exact = quantity.parse(str(amount))
        if exact != exact.to_integral_value():
            causes.append(invalid_value(path, str(amount), NOT_INTEGER))
    return causes


def is_integer_resource(name: str) -> bool:
    bare = name.removeprefix("requests.")
    extended = "/" in bare and not bare.startswith("kubernetes.io/")
    return name in INTEGERS or name.startswith("count/") or extended


def int_or_percent(value: Any, path: str) -> list[Cause]:
    """Models ValidatePositiveIntOrPercent."""
    if isinstance(value, str):
        if not value.endswith("%") or not value[:-1].isdigit():
            return [invalid_value(path, value, PERCENT_TEXT)]
        return []
    return [invalid_value(path, value, NEGATIVE)] if value < 0 else []


def at_most_hundred_percent(value: Any, path: str) -> list[Cause]:
    if not isinstance(value, str) or int_or_percent(value, path) or int(value[:-1]) <= 100:
        return []
    return [invalid_value(path, value, "must not be greater than 100%")]
