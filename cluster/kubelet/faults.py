"""Which machines have no power, and since when: the only thing a kubelet knows of faults."""

from __future__ import annotations

from cluster.client import Lister
from cluster.machinery.meta import Object

POWER_OFF = "NodePowerOff"


def targets(fault: Object) -> frozenset[str]:
    """The machines a fault takes the power from."""
    spec = fault.get("spec") or {}
    target = spec.get("target") or {}
    if spec.get("type") != POWER_OFF or target.get("kind") != "Node":
        return frozenset()
    return frozenset(target.get("names") or ())


def without_power(faults: Lister) -> frozenset[str]:
    return frozenset(name for fault in faults for name in targets(fault))
