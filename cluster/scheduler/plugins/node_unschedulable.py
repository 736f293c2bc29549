"""NodeUnschedulable: cordoned nodes take only pods that tolerate it.

Models plugins/nodeunschedulable.
"""

from __future__ import annotations

from cluster.scheduler.cache.terms import Taint, tolerated
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    CycleState,
    FilterPlugin,
    Happening,
    On,
    Pending,
    Rejection,
    Slots,
)

REASON = "node(s) were unschedulable"
CORDONED = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")


class NodeUnschedulable(FilterPlugin):
    name = "NodeUnschedulable"

    def filters(self, pod: Pending) -> bool:
        return not tolerated(CORDONED, pod.spec.tolerations)

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        return [Rejection(REASON, self.nodes.unschedulable[at], True)]

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.NODE, Action.ADD | Action.UPDATE_TAINT, _uncordoned),
            ClusterEvent(On.THIS_POD, Action.UPDATE_TOLERATIONS),
        ]


def _uncordoned(_pod: Pending, happening: Happening) -> bool:
    new = (happening.new or {}).get("spec") or {}
    old = (happening.old or {}).get("spec") or {}
    if new.get("unschedulable"):
        return False
    return happening.old is None or bool(old.get("unschedulable"))
