"""VolumeZone: bound volumes whose labels name a zone or region. Models plugins/volumezone."""

from __future__ import annotations

import numpy as np

from cluster.machinery.meta import Object, labels_of
from cluster.machinery.selectors import Requirement
from cluster.scheduler.cache.terms import NodeTerm
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    CycleState,
    On,
    Pending,
    Rejection,
    Slots,
)
from cluster.scheduler.plugins.matching import term_matches
from cluster.scheduler.volumes import VolumePlugin

REASON = "node(s) had no available volume zone"
KEYS = (
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
)


class VolumeZone(VolumePlugin):
    name = "VolumeZone"

    def filters(self, pod: Pending) -> bool:
        if not pod.spec.tied_volumes:
            return False
        return any(_zones(c.volume) for c in self.volumes.of(pod))

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        wrong = np.zeros(len(self.nodes.valid[at]), np.bool_)
        for claim in self.volumes.of(pod):
            requirements = tuple(
                Requirement(key, "In", frozenset(value.split("__")))
                for key, value in _zones(claim.volume)
            )
            if requirements:
                wrong |= ~term_matches(self.nodes, NodeTerm(requirements, ()), at)
        return [Rejection(REASON, wrong, True)]

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.NODE, Action.ADD | Action.UPDATE_NODE_LABEL),
            ClusterEvent(On.CLAIM, Action.ADD | Action.UPDATE),
            ClusterEvent(On.VOLUME, Action.ADD | Action.UPDATE),
            ClusterEvent(On.STORAGE_CLASS, Action.ADD),
        ]


def _zones(volume: Object | None) -> list[tuple[str, str]]:
    """Labels of a volume that tie it to a zone; several zones are joined by `__`."""
    labels = labels_of(volume) if volume is not None else {}
    return [(key, labels[key]) for key in KEYS if key in labels]
