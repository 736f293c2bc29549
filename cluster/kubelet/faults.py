"""Which nodes have fallen silent, and why: the only thing a kubelet knows of faults.

NodePowerOff      the machine is off: containers end, and boot anew when it is back
KubeletStopped    nobody looks after the node; its containers run on
NetworkPartition  the node cannot reach the control plane; its containers run on
"""

from __future__ import annotations

from cluster.client import Lister
from cluster.machinery.meta import Object

POWER_OFF = "NodePowerOff"
KUBELET_STOPPED = "KubeletStopped"
PARTITION = "NetworkPartition"
# The first that strikes a node is what counts.
SILENCING = (POWER_OFF, KUBELET_STOPPED, PARTITION)


def targets(fault: Object) -> frozenset[str]:
    """The nodes that a fault silences."""
    spec = fault.get("spec") or {}
    target = spec.get("target") or {}
    if spec.get("type") not in SILENCING or target.get("kind") != "Node":
        return frozenset()
    return frozenset(target.get("names") or ())


def silenced(faults: Lister) -> dict[str, str]:
    """Node -> the fault's type."""
    found: dict[str, str] = {}
    for kind in reversed(SILENCING):
        for fault in faults:
            if (fault.get("spec") or {}).get("type") == kind:
                found.update(dict.fromkeys(targets(fault), kind))
    return found
