"""How much a pod asks for. Models k8s.io/component-helpers/resource (PodRequests).

cpu is counted in thousandths, everything else in whole units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.machinery import quantity
from cluster.machinery.meta import Object

Amounts = dict[str, int]
MAX = 2**63 - 1
CPU, MEMORY, STORAGE = "cpu", "memory", "ephemeral-storage"
# Models schedutil.DefaultMilliCPURequest and DefaultMemoryRequest: what a container that asks for
# nothing is scored as, so that not all such pods pile up on one node.
NON_ZERO: Amounts = {CPU: 100, MEMORY: 200 * 1024 * 1024}


def amounts(resource_list: Mapping[str, Any] | None) -> Amounts:
    out: Amounts = {}
    for name, value in (resource_list or {}).items():
        exact = quantity.milli(value) if name == CPU else quantity.value(value)
        out[name] = min(exact, MAX)
    return out


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = min(total.get(name, 0) + amount, MAX)


def _raise_to(total: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        if amount > total.get(name, 0):
            total[name] = amount


def _requests(container: Object) -> Amounts:
    return amounts((container.get("resources") or {}).get("requests"))


def pod_requests(spec: Object, missing: Amounts | None = None) -> Amounts:
    """Containers and sidecars together, or the largest init container if that is more, plus
    overhead. `missing` is assumed for what a regular container does not name."""
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, {**(missing or {}), **_requests(container)})
    _add_init(total, spec.get("initContainers") or ())
    # Pod-level requests, where given, stand for all containers together.
    total.update(amounts((spec.get("resources") or {}).get("requests")))
    _add(total, amounts(spec.get("overhead")))
    return total


def _add_init(total: Amounts, containers: tuple[Object, ...] | list[Object]) -> None:
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in containers:
        own = _requests(container)
        if container.get("restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            _raise_to(largest, sidecars)
        else:
            running = dict(own)
            _add(running, sidecars)
            _raise_to(largest, running)
    _raise_to(total, largest)


def is_scalar(name: str) -> bool:
    """Not one of the native resources: extended resources, hugepages, attachable volumes."""
    return name not in (CPU, MEMORY, STORAGE, "pods")
