"""What a pod asks for as a whole. Models component-helpers/resource (PodRequests, PodLimits).

Containers add up; init containers run one after another, beside the sidecars started before
them; the pod's overhead comes on top. Amounts are canonical quantity strings.
"""

from __future__ import annotations

from decimal import Decimal

from cluster.machinery import quantity
from cluster.machinery.meta import Object

Amounts = dict[str, Decimal]


def pod_requests(spec: Object) -> dict[str, str]:
    return _texts(_total(spec, "requests"))


def pod_limits(spec: Object) -> dict[str, str]:
    """Overhead is added only to what is limited."""
    return _texts(_total(spec, "limits"))


def exact(spec: Object, field: str) -> Amounts:
    """`requests` or `limits` as exact numbers."""
    return _total(spec, field)


def _texts(amounts: Amounts) -> dict[str, str]:
    return {name: text(name, amount) for name, amount in amounts.items()}


def text(name: str, amount: Decimal) -> str:
    """A canonical quantity: bytes in binary units, all else in decimal ones."""
    binary = any(word in name for word in ("memory", "storage", "hugepages-"))
    if binary and amount == amount.to_integral_value():
        return quantity.format_binary(int(amount))
    return quantity.canonical(f"{amount:f}")


def _of(container: Object, field: str) -> Amounts:
    found = (container.get("resources") or {}).get(field) or {}
    return {k: quantity.parse(str(v)) for k, v in found.items() if quantity.is_valid(v)}


def _add(one: Amounts, other: Amounts) -> Amounts:
    out = dict(one)
    for name, amount in other.items():
        out[name] = out.get(name, Decimal(0)) + amount
    return out


def _most(one: Amounts, other: Amounts) -> Amounts:
    return {k: max(one.get(k, Decimal(0)), other.get(k, Decimal(0))) for k in {**one, **other}}


def _total(spec: Object, field: str) -> Amounts:
    total: Amounts = {}
    for container in spec.get("containers") or ():
        total = _add(total, _of(container, field))
    sidecars: Amounts = {}
    initial: Amounts = {}
    for container in spec.get("initContainers") or ():
        amounts = _of(container, field)
        if container.get("restartPolicy") == "Always":
            sidecars = _add(sidecars, amounts)
            total = _add(total, amounts)
            initial = _most(initial, sidecars)
        else:
            initial = _most(initial, _add(sidecars, amounts))
    total = _most(total, initial)
    whole = (spec.get("resources") or {}).get(field) or {}
    total |= {k: quantity.parse(str(v)) for k, v in whole.items()}
    for name, amount in (spec.get("overhead") or {}).items():
        if field == "requests" or name in total:
            total[name] = total.get(name, Decimal(0)) + quantity.parse(str(amount))
    return total
