"""From the choice of a node to the bound pod: Reserve, Permit, PreBind, Bind, PostBind.

The pod is assumed on the node at once, so the next attempt sees it there. If anything later says
no, it is forgotten and tried again. Models the binding cycle of pkg/scheduler/schedule_one.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from cluster.scheduler.cache import Cache, PodRecord
from cluster.scheduler.framework import Code, CycleState, Pending, Status
from cluster.scheduler.profile import Profile
from cluster.scheduler.queue import Entry


@dataclass(slots=True)
class Placement:
    """A pod on its way to a node. `waits_for` are the plugins whose Permit holds it, each until a
    moment."""

    entry: Entry
    pending: Pending
    profile: Profile
    state: CycleState
    node: str
    record: PodRecord
    waits_for: dict[str, float] = field(default_factory=dict)


Failed = Callable[[Placement, Status], None]


class Binder:
    """`acting` names the pod that writes are done for; `failed` takes back what did not bind."""

    def __init__(self, cache: Cache, acting: Callable[[Entry], None], failed: Failed) -> None:
        self._cache = cache
        self._acting = acting
        self._failed = failed
        self.waiting: dict[str, Placement] = {}

    def place(
        self, entry: Entry, pending: Pending, profile: Profile, state: CycleState, slot: int,
        now: float,
    ) -> None:  # fmt: skip
        node = self._cache.nodes.names[slot]
        record = self._cache.assume(pending.obj, pending.spec, slot)
        placement = Placement(entry, pending, profile, state, node, record)
        for plugin in profile.reserve:
            status = plugin.reserve(state, pending, node)
            if status is not None:
                self._refuse(placement, status)
                return
        if profile.permit and not self._permitted(placement, now):
            return
        self._bind(placement)

    # ---- permit

    def _permitted(self, placement: Placement, now: float) -> bool:
        for plugin in placement.profile.permit:
            status = plugin.permit(placement.state, placement.pending, placement.node)
            if status is None:
                continue
            if status.code is not Code.WAIT:
                self._refuse(placement, status)
                return False
            placement.waits_for[plugin.name] = now + status.timeout
        if placement.waits_for:
            self.waiting[placement.entry.key] = placement
        return not placement.waits_for

    def allow(self, key: str, plugin: str) -> None:
        """A plugin lets a waiting pod pass; it binds when all have."""
        placement = self.waiting.get(key)
        if placement is None:
            return
        placement.waits_for.pop(plugin, None)
        if not placement.waits_for:
            del self.waiting[key]
            self._bind(placement)

    def reject(self, key: str, status: Status) -> bool:
        """A waiting pod is turned away; False when it does not wait."""
        placement = self.waiting.pop(key, None)
        if placement is not None:
            self._refuse(placement, status)
        return placement is not None

    def expire(self, now: float) -> None:
        for key, placement in list(self.waiting.items()):
            for plugin, moment in placement.waits_for.items():
                if moment <= now:
                    reason = f"rejected due to timeout after waiting at plugin {plugin}"
                    self.reject(key, Status(Code.UNSCHEDULABLE, (reason,), plugin))
                    break

    def next_deadline(self) -> float | None:
        moments = [m for p in self.waiting.values() for m in p.waits_for.values()]
        return min(moments, default=None)

    # ---- bind

    def _bind(self, placement: Placement) -> None:
        profile, pending, node = placement.profile, placement.pending, placement.node
        for plugin in profile.pre_bind:
            status = plugin.pre_bind(placement.state, pending, node)
            if status is not None:
                self._refuse(placement, status)
                return
        self._acting(placement.entry)

        def on_done(_: Object) -> None:
            self._bound(placement)

        def on_error(error: StatusError) -> None:
            self._unbound(placement, error)

        for binder in profile.bind:
            if binder.bind(pending, node, on_done, on_error):
                return

    def _bound(self, placement: Placement) -> None:
        meta = placement.pending.obj["metadata"]
        self._acting(placement.entry)
        placement.profile.recorder.event(
            placement.pending.obj,
            "Normal",
            "Scheduled",
            f"Successfully assigned {meta['namespace']}/{meta['name']} to {placement.node}",
        )
        for plugin in placement.profile.post_bind:
            plugin.post_bind(placement.pending, placement.node)

    def _unbound(self, placement: Placement, error: StatusError) -> None:
        if error.code == 404:  # the pod was deleted; its event is on the way
            self._undo(placement)
            return
        names = " ".join(p.name for p in placement.profile.bind)
        message = f'binding rejected: running Bind plugin "{names}": {error.message}'
        self._refuse(placement, Status(Code.ERROR, (message,)))

    def _refuse(self, placement: Placement, status: Status) -> None:
        self._undo(placement)
        self._failed(placement, status)

    def withdraw(self, key: str) -> None:
        """The pod was deleted, or somebody else bound it, while it waited."""
        placement = self.waiting.pop(key, None)
        if placement is not None:
            self._undo(placement)

    def _undo(self, placement: Placement) -> None:
        for plugin in reversed(placement.profile.reserve):
            plugin.unreserve(placement.state, placement.pending, placement.node)
        self._cache.forget(placement.record)
