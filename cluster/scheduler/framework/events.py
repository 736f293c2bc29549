"""What happens in the cluster that may make an unschedulable pod schedulable.

A plugin names the events that can undo its rejection, each with a hint: a function that looks at
the pod and the objects and says whether it is worth trying again. Models ClusterEvent and
QueueingHintFn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING

from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.scheduler.framework.types import Pending


class Action(Flag):
    ADD = auto()
    DELETE = auto()
    UPDATE_ALLOCATABLE = auto()
    UPDATE_NODE_LABEL = auto()
    UPDATE_TAINT = auto()  # spec.unschedulable too
    UPDATE_CONDITION = auto()
    UPDATE_POD_LABEL = auto()
    SCALE_DOWN = auto()
    UPDATE_TOLERATIONS = auto()
    GATES_ELIMINATED = auto()
    UPDATE = (
        UPDATE_ALLOCATABLE
        | UPDATE_NODE_LABEL
        | UPDATE_TAINT
        | UPDATE_CONDITION
        | UPDATE_POD_LABEL
        | SCALE_DOWN
        | UPDATE_TOLERATIONS
        | GATES_ELIMINATED
    )


class On(Flag):
    NODE = auto()
    ASSIGNED_POD = auto()
    THIS_POD = auto()  # the unschedulable pod itself
    NAMESPACE = auto()
    SERVICE = auto()
    CLAIM = auto()
    VOLUME = auto()
    STORAGE_CLASS = auto()
    CSI_NODE = auto()
    CSI_DRIVER = auto()
    STORAGE_CAPACITY = auto()


LABELS = {
    On.NODE: "Node",
    On.ASSIGNED_POD: "AssignedPod",
    On.THIS_POD: "Pod",
    On.CLAIM: "PersistentVolumeClaim",
    On.VOLUME: "PersistentVolume",
    On.STORAGE_CLASS: "StorageClass",
    On.CSI_NODE: "CSINode",
    On.CSI_DRIVER: "CSIDriver",
    On.STORAGE_CAPACITY: "CSIStorageCapacity",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event. `old` is None for something new, `new` for something deleted."""

    on: On
    action: Action
    old: Object | None = None
    new: Object | None = None

    @property
    def label(self) -> str:
        name = LABELS.get(self.on, str(self.on.name).title())
        return f"{name}{str(self.action.name).title().replace('_', '')}"


Hint = Callable[["Pending", Happening], bool]


def always(_pod: Pending, _happening: Happening) -> bool:
    """The event alone is reason enough."""
    return True


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    on: On
    actions: Action
    hint: Hint = always

    def matches(self, happening: Happening) -> bool:
        return bool(self.on & happening.on) and bool(self.actions & happening.action)
