"""NodeName: spec.nodeName, if a pod that asks to be scheduled has one. Models plugins/nodename."""

from __future__ import annotations

import numpy as np

from cluster.machinery.meta import name_of
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
)

REASON = "node(s) didn't match the requested node name"


class NodeName(FilterPlugin):
    name = "NodeName"
    scope = Scope.CLUSTER  # spec.nodeName is no part of the PodSpec

    def filters(self, pod: Pending) -> bool:
        return bool(pod.obj["spec"].get("nodeName"))

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        others = np.ones(self.nodes.size, dtype=np.bool_)
        slot = self.nodes.slots.get(pod.obj["spec"]["nodeName"])
        if slot is not None:
            others[slot] = False
        return [Rejection(REASON, others[at], True)]

    def events(self) -> list[ClusterEvent]:
        return [ClusterEvent(On.NODE, Action.ADD, _is_the_one)]


def _is_the_one(pod: Pending, happening: Happening) -> bool:
    node = happening.new
    return node is not None and name_of(node) == pod.obj["spec"].get("nodeName")
