"""The extension points. A plugin is a class that fills one or more of them.

    PreEnqueue QueueSort | PreFilter Filter PostFilter | PreScore Score Normalize |
    Reserve Permit PreBind Bind PostBind

Filter and Score answer for slots of the node table. A plugin's scope says what its answer depends
on, and so how long the answer may be kept: that is what makes scheduling fast.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Protocol

import numpy as np

from cluster.client import Env, Lister, Resource
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from cluster.scheduler.cache import Cache
from cluster.scheduler.cache.columns import Bools, Ints, Slots
from cluster.scheduler.framework.events import ClusterEvent
from cluster.scheduler.framework.types import (
    CycleState,
    Filters,
    Pending,
    PostFilterResult,
    Rejection,
    Status,
)


class Scope(Enum):
    """What an answer about a node depends on, beside the pod."""

    NODE = "its Node object"
    LOCAL = "its Node object and its pods"
    CLUSTER = "all nodes and pods"


class WaitingPods(Protocol):
    """Pods that a Permit plugin holds."""

    def allow(self, key: str, plugin: str) -> None: ...


class NobodyWaits:
    def allow(self, key: str, plugin: str) -> None:
        """There is none to let pass."""


@dataclass(slots=True)
class Handle:
    """What a plugin may use."""

    env: Env
    cache: Cache
    waiting: WaitingPods = field(default_factory=NobodyWaits)

    def lister(self, resource: Resource) -> Lister:
        return self.env.informers.lister(resource)


class Plugin:
    name: ClassVar[str]
    scope: ClassVar[Scope] = Scope.NODE

    def __init__(self, handle: Handle, args: Mapping[str, Any]) -> None:
        """Raises ValueError for arguments that are not valid."""
        self.handle = handle
        self.cache = handle.cache
        self.nodes = handle.cache.nodes

    def events(self) -> list[ClusterEvent]:
        """What can undo this plugin's rejection."""
        return []


class PreEnqueuePlugin(Plugin, ABC):
    @abstractmethod
    def pre_enqueue(self, pod: Object) -> Status | None:
        """Whether the pod may be tried at all."""


class QueueSortPlugin(Plugin, ABC):
    @abstractmethod
    def sort_key(self, spec_priority: int, timestamp: float) -> tuple[float, ...]:
        """Smaller is sooner."""


class FilterPlugin(Plugin, ABC):
    def filters(self, pod: Pending) -> bool:
        """False when the plugin has nothing to say about the pod (upstream's PreFilter Skip).
        Depends on the PodSpec alone, unless the scope is CLUSTER."""
        return True

    def pre_filter(self, state: CycleState, pod: Pending) -> Status | None:
        """Once per attempt. May narrow the nodes (`state.only`) or prepare `state.data`."""
        return None

    @abstractmethod
    def filter(self, state: CycleState, pod: Pending, at: Slots) -> list[Rejection]:
        """Who is out, and why. Scopes NODE and LOCAL may use only `pod.spec`."""

    def fits_at(self, pod: Pending, slot: int) -> bool:
        """`filter` for one slot, for scope LOCAL; worth overriding where it is asked often."""
        return not any(r.nodes[0] for r in self.filter(CycleState(), pod, np.array([slot])))


class ScorePlugin(Plugin, ABC):
    """Scores of 0..100; raw ones outside that range need `normalizes` True."""

    normalizes: ClassVar[bool] = False

    def scores(self, pod: Pending) -> bool:
        """False when all nodes are alike to the plugin (upstream's PreScore Skip). Depends on the
        PodSpec alone, unless the scope is CLUSTER."""
        return True

    def pre_score(self, state: CycleState, pod: Pending, feasible: Bools) -> None:
        """Once per attempt, for scope CLUSTER."""
        return

    @abstractmethod
    def score(self, state: CycleState, pod: Pending, at: Slots) -> Ints:
        """Raw scores. Scopes NODE and LOCAL may use only `pod.spec`."""

    def score_at(self, pod: Pending, slot: int) -> int:
        """`score` for one slot, for scope LOCAL."""
        return int(self.score(CycleState(), pod, np.array([slot]))[0])

    def normalize(self, state: CycleState, raw: Ints, feasible: Bools) -> Ints:
        """Where `normalizes`: 0..100 for the feasible nodes; others may get anything."""
        return raw

    def version(self, pod: Pending) -> object:
        """Scope NODE: a kept score is void when this changes."""
        return None


class PostFilterPlugin(Plugin, ABC):
    @abstractmethod
    def post_filter(
        self, state: CycleState, pod: Pending, unresolvable: Bools, filters: Filters
    ) -> PostFilterResult:
        """What may help a pod that fits nowhere; `unresolvable` are nodes where nothing would."""


class ReservePlugin(Plugin, ABC):
    @abstractmethod
    def reserve(self, state: CycleState, pod: Pending, node: str) -> Status | None: ...

    @abstractmethod
    def unreserve(self, state: CycleState, pod: Pending, node: str) -> None: ...


class PermitPlugin(Plugin, ABC):
    @abstractmethod
    def permit(self, state: CycleState, pod: Pending, node: str) -> Status | None:
        """None lets the pod pass, WAIT holds it until somebody allows or rejects it."""


class PreBindPlugin(Plugin, ABC):
    @abstractmethod
    def pre_bind(self, state: CycleState, pod: Pending, node: str) -> Status | None: ...


class BindPlugin(Plugin, ABC):
    @abstractmethod
    def bind(
        self,
        pod: Pending,
        node: str,
        on_done: Callable[[Object], None],
        on_error: Callable[[StatusError], None],
    ) -> bool:
        """Queue the binding; False leaves it to the next plugin."""


class PostBindPlugin(Plugin, ABC):
    @abstractmethod
    def post_bind(self, pod: Pending, node: str) -> None: ...
