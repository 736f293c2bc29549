"""SchedulingGates: a pod with gates is not tried. Models plugins/schedulinggates."""

from __future__ import annotations

from cluster.machinery.meta import Object
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    Code,
    On,
    PreEnqueuePlugin,
    Status,
)


class SchedulingGates(PreEnqueuePlugin):
    name = "SchedulingGates"

    def pre_enqueue(self, pod: Object) -> Status | None:
        gates = [gate["name"] for gate in pod["spec"].get("schedulingGates") or ()]
        if not gates:
            return None
        reason = f"waiting for scheduling gates: [{' '.join(gates)}]"
        return Status(Code.UNRESOLVABLE, (reason,), self.name)

    def events(self) -> list[ClusterEvent]:
        return [ClusterEvent(On.THIS_POD, Action.GATES_ELIMINATED)]
