"""NodeVolumeLimits: as many volumes of a CSI driver as its CSINode allows.

Models plugins/nodevolumelimits.
"""

from __future__ import annotations

import numpy as np

from cluster.client import kinds
from cluster.machinery.meta import Object
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    CycleState,
    On,
    Pending,
    Rejection,
    Slots,
)
from cluster.scheduler.volumes import NO_PROVISIONER, Claim, VolumePlugin, claim_names

REASON = "node(s) exceed max volume count"
Attached = dict[str, set[str]]  # driver -> the volumes' handles


class NodeVolumeLimits(VolumePlugin):
    name = "NodeVolumeLimits"

    def filters(self, pod: Pending) -> bool:
        if not pod.spec.tied_volumes or not len(self.volumes.csi_nodes):
            return False
        return any(driver_of(c) is not None for c in self.volumes.of(pod))

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        wanted: Attached = {}
        for claim in self.volumes.of(pod):
            if (found := driver_of(claim)) is not None:
                wanted.setdefault(found[0], set()).add(found[1])
        full = np.zeros(self.nodes.size, np.bool_)
        limits = self._limits(set(wanted))
        used = self._used(set(limits))
        for slot, allowed in limits.items():
            have = used.get(slot, {})
            for driver, limit in allowed.items():
                new = wanted[driver] - have.get(driver, set())
                if new and len(new) + len(have.get(driver, ())) > limit:
                    full[slot] = True
        return [Rejection(REASON, full[at], False)]

    def _limits(self, drivers: set[str]) -> dict[int, dict[str, int]]:
        """By slot: how many volumes of each of these drivers its CSINode allows."""
        out: dict[int, dict[str, int]] = {}
        for node in self.volumes.csi_nodes:
            slot = self.nodes.slots.get(node["metadata"]["name"], -1)
            for driver in (node.get("spec") or {}).get("drivers") or ():
                count = (driver.get("allocatable") or {}).get("count")
                if slot >= 0 and count is not None and driver["name"] in drivers:
                    out.setdefault(slot, {})[driver["name"]] = int(count)
        return out

    def _used(self, slots: set[int]) -> dict[int, Attached]:
        out: dict[int, Attached] = {}
        for pod in self.handle.lister(kinds.PODS):
            if not pod["spec"].get("volumes"):
                continue
            meta = pod["metadata"]
            record = self.cache.pods.get(f"{meta.get('namespace', '')}/{meta['name']}")
            if record is None or record.slot not in slots:
                continue
            for name, ephemeral in claim_names(pod):
                found = driver_of(self.volumes.claim(pod, name, ephemeral))
                if found is not None:
                    out.setdefault(record.slot, {}).setdefault(found[0], set()).add(found[1])
        return out

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.CSI_NODE, Action.ADD | Action.UPDATE),
            ClusterEvent(On.ASSIGNED_POD, Action.DELETE, _held_volumes),
            ClusterEvent(On.CLAIM, Action.ADD),
        ]


def driver_of(claim: Claim) -> tuple[str, str] | None:
    """(driver, the volume's handle); an unbound claim counts for its class's provisioner."""
    if claim.volume is not None:
        csi = claim.volume["spec"].get("csi")
        return (csi.get("driver", ""), csi.get("volumeHandle", "")) if csi else None
    provisioner = (claim.storage or {}).get("provisioner") or ""
    if not provisioner or provisioner == NO_PROVISIONER:
        return None
    return provisioner, claim.key


def _held_volumes(pod: Pending, happening: object) -> bool:
    old: Object | None = getattr(happening, "old", None)
    return old is not None and any(claim_names(old))
