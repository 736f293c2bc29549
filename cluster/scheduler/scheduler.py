"""The scheduler at work: takes a pod from the queue, attempts it, binds it or says why not.

One code path for one pod and for ten thousand: each attempt sees the cluster with all earlier
choices assumed, and what is written collects in the client's batch. Models
pkg/scheduler/schedule_one.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.client import Env, kinds
from cluster.machinery.meta import Object, is_deleting, labels_of, uid_of, with_metadata
from cluster.scheduler.binding import Binder, Placement
from cluster.scheduler.cache import Cache
from cluster.scheduler.config import ConfigError, SchedulerConfig
from cluster.scheduler.decisions import Decision, Decisions, best_of
from cluster.scheduler.explain import Explanation, explain
from cluster.scheduler.fit_error import Diagnosis
from cluster.scheduler.framework import (
    Action,
    ClusterEvent,
    Code,
    CycleState,
    Handle,
    Happening,
    On,
    Pending,
    QueueSortPlugin,
    Status,
)
from cluster.scheduler.nominator import Nominator
from cluster.scheduler.profile import Choice, Profile
from cluster.scheduler.queue import NO_NODES, Entry, SchedulingQueue
from cluster.scheduler.record import ATTEMPTS, record
from cluster.scheduler.verdict import ERROR, UNSCHEDULABLE, Verdicts
from cluster.scheduler.watching import Watcher

ROUND = 500  # attempts before events are looked at again


class Scheduler:
    """A Part of the kube-scheduler component."""

    name = "kube-scheduler"

    def __init__(self, env: Env, config: SchedulerConfig) -> None:
        self.env = env
        self._pods = env.informers.lister(kinds.PODS)
        self._namespaces = env.informers.lister(kinds.NAMESPACES)
        self.cache = Cache(self._namespace_labels)
        self.nominator = Nominator(self.cache)
        handle = Handle(env, self.cache)
        self.profiles = {p.name: Profile(p, handle, self.nominator) for p in config.profiles}
        self.verdicts = Verdicts(env.client, env.clock)
        self.decisions = Decisions()
        self.queue = SchedulingQueue(
            self._sort_key, self._events, config.initial_backoff, config.max_backoff
        )
        self.binder = Binder(self.cache, self._acting, self._not_bound)
        handle.waiting = self.binder
        self.watcher = Watcher(
            env, self.cache, self.queue, self.nominator, self.profiles, self.binder.withdraw
        )
        self._sort = _one_order(self.profiles)

    def _namespace_labels(self, namespace: str) -> Mapping[str, str]:
        found = self._namespaces.get(namespace)
        return labels_of(found) if found is not None else {}

    def _sort_key(self, entry: Entry) -> tuple[float, ...]:
        return self._sort.sort_key(entry.spec.priority, entry.since)

    def _events(self, entry: Entry) -> dict[str, list[ClusterEvent]]:
        return self.profiles[entry.spec.scheduler_name].events

    def _acting(self, entry: Entry) -> None:
        self.env.client.acting(self.name, entry.key, entry.cause)

    # ---- Part

    def process(self, now: float) -> bool:
        self.binder.expire(now)
        worked = False
        for _ in range(ROUND):
            entry = self.queue.pop(now)
            if entry is None:
                break
            worked = True
            self._attempt(entry, now)
        return worked

    def next_deadline(self) -> float | None:
        moments = (self.queue.next_deadline(), self.binder.next_deadline())
        return min((m for m in moments if m is not None), default=None)

    # ---- one attempt

    def _attempt(self, entry: Entry, now: float) -> None:
        pod = self._pods.get(entry.key)
        if pod is None or uid_of(pod) != entry.uid or pod["spec"].get("nodeName"):
            if self.queue.get(entry.key) is entry:
                self.queue.delete(entry.key)
            return
        self._acting(entry)
        profile = self.profiles[entry.spec.scheduler_name]
        if is_deleting(pod):
            self.queue.delete(entry.key)
            message = f"skip schedule deleting pod: {entry.key}"
            profile.recorder.event(pod, "Warning", "FailedScheduling", message)
            return
        pending = Pending(pod, entry.spec, entry.pinned)
        state = CycleState()
        choice = profile.attempt(state, pending)
        if choice.diagnosis is None:
            self._decided(entry, choice, pending, now)
            self.queue.delete(entry.key)
            self.nominator.remove(entry.key)
            self.binder.place(entry, pending, profile, state, choice.slot, now)
        else:
            self._reject(entry, pending, profile, state, choice.diagnosis, now)

    def _decided(self, entry: Entry, choice: Choice, pending: Pending, now: float) -> None:
        self._remember(
            entry,
            now,
            node=self.cache.nodes.names[choice.slot],
            best=best_of(self.cache.nodes, choice),
            equals=len(choice.ties) if choice.ties is not None else 1,
        )
        pending.beside = record(pending.obj, entry.history)

    def _remember(self, entry: Entry, now: float, **what: Any) -> None:
        revision = self.env.informers.revision
        decision = Decision(entry.key, entry.uid, entry.attempts, now, revision, **what)
        self.decisions.add(decision)
        entry.history = [*entry.history[1 - ATTEMPTS :], decision]

    def explain(self, key: str) -> Explanation | None:
        """All about a pod as it would be decided now; None for a pod of nobody here."""
        pod = self._pods.get(key)
        profile = self.profiles.get((pod or {}).get("spec", {}).get("schedulerName", ""))
        if pod is None or profile is None:
            return None
        return explain(profile, Pending(pod, *self.cache.specs.of(pod)))

    # ---- nobody fits

    def _reject(
        self,
        entry: Entry,
        pending: Pending,
        profile: Profile,
        state: CycleState,
        diagnosis: Diagnosis,
        now: float,
    ) -> None:
        nominated = None
        if diagnosis.total:
            nominated = self._post_filter(pending, profile, state, diagnosis)
        self._acting(entry)
        entry.pending = pending
        message = diagnosis.message
        self.verdicts.failed(
            profile.recorder, entry.told, pending.obj, UNSCHEDULABLE, message, nominated
        )
        if nominated is not None:
            self._nominate(pending, nominated)
        plugins = frozenset(diagnosis.plugins) if diagnosis.total else NO_NODES
        self.queue.add_unschedulable(entry, plugins, now)
        reasons = dict(diagnosis.reasons)
        self._remember(
            entry, now, node="", message=message, reasons=reasons, nominated=nominated or ""
        )
        # It may replace that of an earlier pod of the name, so it insists on no UID.
        beside = record(pending.obj, entry.history)
        self.env.client.update(with_metadata(beside.obj, uid=None))

    def _nominate(self, pending: Pending, node: str) -> None:
        """Promise the node; less important pods that it was promised to look elsewhere."""
        self.nominator.add(pending, node)
        for key in self.nominator.below(pending.spec.priority, node):
            other = self._pods.get(key)
            if other is not None:
                self.verdicts.nominate(other, "")

    def _post_filter(
        self, pending: Pending, profile: Profile, state: CycleState, diagnosis: Diagnosis
    ) -> str | None:
        """What the pod is nominated to from now on; None leaves that as it is."""
        nominated = None
        filters = profile.questions(state, pending)
        for plugin in profile.post_filters:
            result = plugin.post_filter(state, pending, diagnosis.unresolvable, filters)
            if result.nominated is not None:
                nominated = result.nominated
            if result.status is None:
                break
            diagnosis.post_filter = result.status.message
        return nominated

    # ---- what did not bind

    def _not_bound(self, placement: Placement, status: Status) -> None:
        entry, pod = placement.entry, self._current(placement.entry)
        if pod is None:
            return
        now, recorder = self.env.clock.now(), placement.profile.recorder
        self._acting(entry)
        room = {**pod, "spec": {**pod["spec"], "nodeName": placement.node}}
        self.queue.happened(Happening(On.ASSIGNED_POD, Action.DELETE, room), now)
        if status.code is Code.ERROR:
            self.verdicts.failed(recorder, entry.told, pod, ERROR, status.message)
            self.queue.add_failed(entry, now)
        else:
            entry.pending = placement.pending
            self.verdicts.failed(recorder, entry.told, pod, UNSCHEDULABLE, status.message)
            self.queue.add_unschedulable(entry, frozenset({status.plugin}), now)

    def _current(self, entry: Entry) -> Object | None:
        """The pod, if it is still there and waits."""
        pod = self._pods.get(entry.key)
        if pod is None or uid_of(pod) != entry.uid or pod["spec"].get("nodeName"):
            return None
        return pod


def _one_order(profiles: Mapping[str, Profile]) -> QueueSortPlugin:
    """All profiles share the active queue, so they must sort it alike."""
    sorts = [profile.queue_sort[0] for profile in profiles.values()]
    if any(type(s) is not type(sorts[0]) for s in sorts):
        raise ConfigError("different queue sort plugins for profiles")
    return sorts[0]
