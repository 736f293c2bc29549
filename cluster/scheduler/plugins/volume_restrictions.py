"""VolumeRestrictions: disks that only one node or one pod may use.

Models plugins/volumerestrictions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cluster.client import kinds
from cluster.machinery.meta import Object
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    Code,
    CycleState,
    Happening,
    On,
    Pending,
    Rejection,
    Slots,
    Status,
)
from cluster.scheduler.volumes import VolumePlugin, claim_names

REASON_DISK = "node(s) had no available disk"
REASON_ONE_POD = (
    "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
)
Disk = tuple[str, str, bool]  # kind, identity, read only


class VolumeRestrictions(VolumePlugin):
    name = "VolumeRestrictions"

    def filters(self, pod: Pending) -> bool:
        if not pod.spec.tied_volumes:
            return False
        return any(disks(pod.obj)) or any(_alone(c.pvc) for c in self.volumes.of(pod))

    def pre_filter(self, state: CycleState, pod: Pending) -> Status | None:
        for claim in self.volumes.of(pod):
            if claim.pvc is None:
                text = f'persistentvolumeclaim "{claim.name}" not found'
                return Status(Code.UNRESOLVABLE, (text,), self.name)
        return None

    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        mine = list(disks(pod.obj))
        alone = {c.key for c in self.volumes.of(pod) if _alone(c.pvc)}
        used = np.zeros(self.nodes.size, np.bool_)
        conflict = np.zeros(self.nodes.size, np.bool_)
        for other in self.handle.lister(kinds.PODS):
            slot = self._slot(other)
            if slot < 0 or not other["spec"].get("volumes"):
                continue
            if mine and any(_conflict(a, b) for a in mine for b in disks(other)):
                conflict[slot] = True
            if alone and any(
                f"{other['metadata'].get('namespace', '')}/{name}" in alone
                for name, _ in claim_names(other)
            ):
                used[:] = True  # by one pod of the cluster, not one of the node
        return [
            Rejection(REASON_DISK, conflict[at], False),
            Rejection(REASON_ONE_POD, used[at] & ~conflict[at], False),
        ]

    def _slot(self, pod: Object) -> int:
        meta = pod["metadata"]
        record = self.cache.pods.get(f"{meta.get('namespace', '')}/{meta['name']}")
        return -1 if record is None else record.slot

    def events(self) -> list[ClusterEvent]:
        return [
            ClusterEvent(On.ASSIGNED_POD, Action.DELETE, _frees),
            ClusterEvent(On.NODE, Action.ADD),
            ClusterEvent(On.CLAIM, Action.ADD | Action.UPDATE, _own_claim),
        ]


def _alone(pvc: Object | None) -> bool:
    return pvc is not None and "ReadWriteOncePod" in (pvc["spec"].get("accessModes") or ())


def disks(pod: Object) -> Iterator[Disk]:
    """In-tree disks that are exclusive to a node unless all use them read-only."""
    for volume in pod["spec"].get("volumes") or ():
        if disk := volume.get("gcePersistentDisk"):
            yield "gce", disk.get("pdName", ""), bool(disk.get("readOnly"))
        elif disk := volume.get("awsElasticBlockStore"):
            yield "aws", disk.get("volumeID", ""), False
        elif disk := volume.get("iscsi"):
            yield "iscsi", disk.get("iqn", ""), bool(disk.get("readOnly"))
        elif disk := volume.get("rbd"):
            monitors = ",".join(sorted(disk.get("monitors") or ()))
            image = f"{monitors}/{disk.get('pool', 'rbd')}/{disk.get('image', '')}"
            yield "rbd", image, bool(disk.get("readOnly"))


def _conflict(a: Disk, b: Disk) -> bool:
    return a[:2] == b[:2] and not (a[2] and b[2])


def _frees(pod: Pending, happening: Happening) -> bool:
    """Whether the deleted pod held a disk or a claim of this one."""
    if happening.old is None:
        return False
    if any(_conflict(a, b) for a in disks(pod.obj) for b in disks(happening.old)):
        return True
    if happening.old["metadata"].get("namespace") != pod.namespace:
        return False
    return bool(set(claim_names(pod.obj)) & set(claim_names(happening.old)))


def _own_claim(pod: Pending, happening: Happening) -> bool:
    claim = happening.new
    if claim is None or claim["metadata"].get("namespace") != pod.namespace:
        return False
    return any(name == claim["metadata"]["name"] for name, _ in claim_names(pod.obj))
