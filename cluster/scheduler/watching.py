"""What the scheduler makes of events: its cache stays true, and waiting pods are tried again.

Models pkg/scheduler/eventhandlers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from cluster.client import Env, InformerEvent, kinds
from cluster.machinery.meta import Object, is_deleting, labels_of, uid_of
from cluster.scheduler.cache import Cache
from cluster.scheduler.cache.cache import FINISHED
from cluster.scheduler.framework import Action, Happening, On, Pending
from cluster.scheduler.happenings import NOTHING, node_change, pod_change
from cluster.scheduler.nominator import Nominator
from cluster.scheduler.profile import Profile
from cluster.scheduler.queue import Entry, Place, SchedulingQueue

STORAGE = {
    kinds.PERSISTENT_VOLUME_CLAIMS: On.CLAIM,
    kinds.PERSISTENT_VOLUMES: On.VOLUME,
    kinds.STORAGE_CLASSES: On.STORAGE_CLASS,
    kinds.CSI_NODES: On.CSI_NODE,
    kinds.CSI_DRIVERS: On.CSI_DRIVER,
    kinds.CSI_STORAGE_CAPACITIES: On.STORAGE_CAPACITY,
}


class Watcher:
    def __init__(
        self,
        env: Env,
        cache: Cache,
        queue: SchedulingQueue,
        nominator: Nominator,
        profiles: Mapping[str, Profile],
        withdrawn: Callable[[str], None],
    ) -> None:
        """`withdrawn` is told of pods that were deleted or bound by others."""
        self._clock = env.clock
        self._cache = cache
        self._queue = queue
        self._nominator = nominator
        self._profiles = profiles
        self._withdrawn = withdrawn
        env.informers[kinds.NAMESPACES].add_handler(self._on_namespace)
        env.informers[kinds.NODES].add_handler(self._on_node)
        env.informers[kinds.PODS].add_handler(self._on_pod)
        for resource, on in STORAGE.items():
            env.informers[resource].add_handler(partial(self._on_storage, on))

    def _happened(
        self, on: On, action: Action, old: Object | None = None, new: Object | None = None
    ) -> None:
        if action and self._queue.any_unschedulable:
            self._queue.happened(Happening(on, action, old, new), self._clock.now())

    def _on_storage(self, on: On, event: InformerEvent) -> None:
        if event.new is None:
            self._happened(on, Action.DELETE, event.old, None)
        elif event.old is None:
            self._happened(on, Action.ADD, None, event.new)
        else:
            self._happened(on, Action.UPDATE, event.old, event.new)

    # ---- nodes and namespaces

    def _on_namespace(self, event: InformerEvent) -> None:
        old, new = event.old, event.new
        if old is None:
            self._happened(On.NAMESPACE, Action.ADD, None, new)
        elif new is not None and labels_of(old) != labels_of(new):
            self._cache.groups.namespaces_changed()
            self._happened(On.NAMESPACE, Action.UPDATE, old, new)

    def _on_node(self, event: InformerEvent) -> None:
        if event.new is None:
            self._cache.nodes.remove_node(event.key)
            self._happened(On.NODE, Action.DELETE, event.old, None)
            return
        self._cache.nodes.set_node(event.new)
        if event.old is None:
            self._happened(On.NODE, Action.ADD, None, event.new)
        else:
            self._happened(On.NODE, node_change(event.old, event.new), event.old, event.new)

    # ---- pods

    def _on_pod(self, event: InformerEvent) -> None:
        pod = event.new
        if pod is None or (pod.get("status") or {}).get("phase") in FINISHED:
            self._gone(event)
        elif not pod["spec"].get("nodeName"):
            self._unbound(event, pod)
        elif not self._cache.is_current(pod):
            self._bound(event, pod)

    def _gone(self, event: InformerEvent) -> None:
        """Deleted, or finished: it takes up no room any more."""
        self._nominator.remove(event.key)
        self._queue.delete(event.key)
        self._withdrawn(event.key)
        record = self._cache.pods.get(event.key)
        if record is not None:
            self._cache.remove(record)
            self._happened(On.ASSIGNED_POD, Action.DELETE, event.old or event.new, None)

    def _bound(self, event: InformerEvent, pod: Object) -> None:
        known = self._cache.pods.get(event.key)
        if not self._cache.confirm(pod):
            self._cache.set_pod(pod)
        if known is None or known.assumed or self._queue.get(event.key) is not None:
            self._queue.delete(event.key)
            self._nominator.remove(event.key)
            self._withdrawn(event.key)
        if known is None or event.old is None or not event.old["spec"].get("nodeName"):
            self._happened(On.ASSIGNED_POD, Action.ADD, None, pod)
        elif self._queue.any_unschedulable:
            self._happened(On.ASSIGNED_POD, pod_change(event.old, pod), event.old, pod)

    # ---- pods that wait

    def _unbound(self, event: InformerEvent, pod: Object) -> None:
        profile = self._profiles.get(pod["spec"].get("schedulerName") or "default-scheduler")
        if profile is None:
            return
        known = self._queue.get(event.key)
        if known is not None and known.uid == uid_of(pod):
            self._changed(known, event, pod, profile)
            return
        self._queue.delete(event.key)  # an earlier pod of that name
        if event.key in self._cache.pods and self._cache.pods[event.key].uid == uid_of(pod):
            return  # assumed: its binding is on the way
        if is_deleting(pod):
            return
        spec, pinned = self._cache.specs.of(pod)
        entry = Entry(event.key, uid_of(pod), spec, pinned, event.revision)
        self._enqueue(entry, pod, profile)

    def _enqueue(self, entry: Entry, pod: Object, profile: Profile) -> None:
        nominated = (pod.get("status") or {}).get("nominatedNodeName")
        if nominated:
            self._nominator.add(Pending(pod, entry.spec, entry.pinned), nominated)
        for plugin in profile.pre_enqueue:
            if plugin.pre_enqueue(pod) is not None:
                self._queue.add_gated(entry, self._clock.now())
                return
        self._queue.add(entry, self._clock.now())

    def _changed(self, entry: Entry, event: InformerEvent, pod: Object, profile: Profile) -> None:
        old = event.old or pod
        entry.cause = event.revision
        self._follow_nomination(entry, old, pod)
        change = pod_change(old, pod)
        same = change is NOTHING and old["spec"] == pod["spec"]
        if entry.pending is not None:
            entry.pending.obj = pod
        if same and labels_of(old) == labels_of(pod):
            return
        place = entry.place
        self._queue.delete(entry.key)
        entry.spec, entry.pinned = self._cache.specs.of(pod)
        if entry.pending is not None:
            entry.pending = Pending(pod, entry.spec, entry.pinned)
        if place is not Place.UNSCHEDULABLE:
            self._enqueue(entry, pod, profile)
            return
        now = self._clock.now()
        self._queue.add_unschedulable(entry, entry.rejected_by, now)
        if not change or self._queue.worth_trying(entry, Happening(On.THIS_POD, change, old, pod)):
            self._queue.requeue(entry, now)

    def _follow_nomination(self, entry: Entry, old: Object, pod: Object) -> None:
        before = (old.get("status") or {}).get("nominatedNodeName") or ""
        after = (pod.get("status") or {}).get("nominatedNodeName") or ""
        if before != after:
            self._nominator.add(Pending(pod, entry.spec, entry.pinned), after)
            if not after:
                self._queue.activate(entry.key)
