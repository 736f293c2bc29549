"""What passes between the scheduler and its plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from cluster.client import Beside
from cluster.machinery.meta import Object
from cluster.scheduler.cache.cache import PodRecord, group_key
from cluster.scheduler.cache.columns import Bools, Ints
from cluster.scheduler.cache.groups import Labels
from cluster.scheduler.cache.spec import PodSpec

MAX_SCORE = 100


class Code(Enum):
    SUCCESS = "Success"
    ERROR = "Error"
    UNSCHEDULABLE = "Unschedulable"
    UNRESOLVABLE = "UnschedulableAndUnresolvable"
    WAIT = "Wait"
    PENDING = "Pending"


@dataclass(frozen=True, slots=True)
class Status:
    """Why a plugin says no. Saying yes is None."""

    code: Code
    reasons: tuple[str, ...] = ()
    plugin: str = ""
    timeout: float = 0.0  # of WAIT, in seconds

    @property
    def message(self) -> str:
        return ", ".join(self.reasons)


@dataclass(slots=True)
class Rejection:
    """A reason and the nodes it holds for, in the order of the slots asked about.

    `unresolvable`: preempting pods would not help there.
    """

    reason: str
    nodes: Bools
    unresolvable: bool


@dataclass(slots=True)
class PostFilterResult:
    """`nominated` None leaves the pod's nomination as it is; the empty string clears it."""

    nominated: str | None
    status: Status | None


@dataclass(frozen=True, slots=True)
class Filters:
    """The profile's filters for one pod, for a plugin that asks what would be. `reasons_at` a
    slot are none where the pod fits. `local` says that these depend on that node alone (and what
    is promised there to other pods), but on `own_slot` also on the promise to this pod.
    `amounts_only` says that nothing but amounts of resources can be against it at a slot."""

    reasons_at: Callable[[int], list[str]]
    promised_at: Callable[[int], list[PodRecord]]
    own_slot: int
    local: bool
    amounts_only: Callable[[int], bool]


class Pending:
    """A pod that waits to be scheduled, as plugins see it."""

    __slots__ = ("beside", "group", "memo", "obj", "pinned", "spec")

    def __init__(self, obj: Object, spec: PodSpec, pinned: str) -> None:
        self.beside: Beside | None = None  # what is noted together with the binding
        self.memo: dict[str, Any] = {}  # a plugin's own, for the length of one attempt
        self.obj = obj
        self.spec = spec
        self.pinned = pinned
        self.group: tuple[str, Labels, bool] = group_key(obj)

    @property
    def namespace(self) -> str:
        return self.group[0]

    @property
    def labels(self) -> dict[str, str]:
        return self.obj["metadata"].get("labels") or {}

    @property
    def nominated_node(self) -> str:
        return (self.obj.get("status") or {}).get("nominatedNodeName") or ""


@dataclass(slots=True)
class CycleState:
    """One attempt. `data` is each plugin's own, by its name; `only` the nodes left by PreFilter,
    and by which plugins."""

    data: dict[str, Any] = field(default_factory=dict)
    only: frozenset[str] | None = None
    only_by: tuple[str, ...] = ()


def default_normalize(raw: Ints, feasible: Bools, *, reverse: bool = False) -> Ints:
    """Scale to 0..100 by the largest score of a feasible node.

    Models plugins/helper/normalize_score.go.
    """
    top = int(raw[feasible].max()) if feasible.any() else 0
    if top == 0:
        return np.full(len(raw), MAX_SCORE, np.int64) if reverse else raw
    scaled: Ints = MAX_SCORE * raw // top
    return MAX_SCORE - scaled if reverse else scaled
