"""NodePorts: host ports are free. Models plugins/nodeports."""

from __future__ import annotations

import numpy as np

from cluster.scheduler.cache.spec import host_ports
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    CycleState,
    FilterPlugin,
    Happening,
    On,
    Pending,
    Rejection,
    Scope,
    Slots,
    always,
)

REASON = "node(s) didn't have free ports for the requested pod ports"


class NodePorts(FilterPlugin):
    name = "NodePorts"
    scope = Scope.LOCAL

    def filters(self, pod: Pending) -> bool:
        return bool(pod.spec.ports)

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        taken = np.zeros(self.nodes.size, dtype=np.bool_)
        taken[list(self.nodes.ports.conflicts(pod.spec.ports))] = True
        return [Rejection(REASON, taken[at], False)]

    def fits_at(self, pod: Pending, slot: int) -> bool:
        return not self.nodes.ports.conflicts_at(slot, pod.spec.ports)

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.ASSIGNED_POD, Action.DELETE, _freed),
            ClusterEvent(On.NODE, Action.ADD, always),
        ]


def _freed(pod: Pending, happening: Happening) -> bool:
    """Whether the deleted pod held one of the ports."""
    if happening.old is None:
        return False
    wanted = {(protocol, port) for _, protocol, port in pod.spec.ports}
    held = {(protocol, port) for _, protocol, port in host_ports(happening.old["spec"])}
    return bool(wanted & held)
