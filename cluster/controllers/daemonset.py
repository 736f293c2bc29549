"""daemonset: one pod on every node that it fits. Models pkg/controller/daemon.

The pods are bound by the scheduler, to the one node their affinity names.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import daemonpods, podutil, revisions
from cluster.controllers.daemonpods import HASH
from cluster.controllers.nodefit import node_should_run
from cluster.controllers.ownedpods import OwnedPods
from cluster.controllers.podcontrol import PodControl
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)

BURST = 250
FIRST_BACKOFF, MAX_BACKOFF = 1.0, 900.0  # before a failed pod of a node is replaced again
ByNode = dict[str, list[Object]]
Fits = dict[str, tuple[bool, bool]]  # node -> (a pod should start here, one that is here may stay)


class DaemonSetController(Controller):
    name = "daemonset-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.sets = env.informers.lister(kinds.DAEMON_SETS)
        self.nodes = env.informers.lister(kinds.NODES)
        self.revisions = env.informers.lister(kinds.CONTROLLER_REVISIONS)
        self.revisions.add_index("controller", by_controller)
        self.control = PodControl(env, self.recorder)
        self._backoff: dict[tuple[str, str], tuple[float, float]] = {}  # -> (delay, since)
        env.informers[kinds.DAEMON_SETS].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.NODES].add_handler(self._on_node)
        env.informers[kinds.CONTROLLER_REVISIONS].add_handler(self._on_revision)
        OwnedPods.of(env).hear("DaemonSet", lambda key, e: self.enqueue(key, e.revision), self.sets)

    def _on_node(self, event: InformerEvent) -> None:
        if event.old is not None and event.new is not None and _same_node(event.old, event.new):
            return
        for found in self.sets:
            self.enqueue(f"{namespace_of(found)}/{name_of(found)}", event.revision)

    def _on_revision(self, event: InformerEvent) -> None:
        key = podutil.owner_key(event.obj, "DaemonSet")
        if key is not None:
            self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        found = self.sets.get(key)
        if found is None or is_deleting(found):
            return
        own = self.revisions.by_index("controller", uid_of(found))
        current = revisions.current(found, own)
        if current is None:
            self.client.create(revisions.new(found, own))
            return  # its event makes the key dirty again
        revisions.lift(self.client, current, own)
        digest = current["metadata"]["labels"][HASH]
        by_node = daemonpods.by_node(self.control.claim(found))
        fits = {name_of(node): node_should_run(found, node) for node in self.nodes}
        if not self._manage(key, found, by_node, fits, digest) and daemonpods.is_rolling(found):
            self._update(key, found, by_node, fits, digest)
        live = {labels_of(p).get(HASH, "") for pods in by_node.values() for p in pods}
        revisions.truncate(self.client, found, own, live, current)
        self._report(key, found, by_node, fits, digest)

    # ---- pods

    def _manage(self, key: str, found: Object, by_node: ByNode, fits: Fits, digest: str) -> bool:
        """Pods where there should be one and none is; none where there should not."""
        missing: list[str] = []
        surplus: list[Object] = []
        for name, (run, keep) in fits.items():
            pods = by_node.get(name, [])
            if run and not pods:
                missing.append(name)
            elif keep:
                surplus += self._replace(key, found, name, pods)
            else:
                surplus += [p for p in pods if not is_deleting(p)]
        for name, pods in by_node.items():
            if name not in fits:
                surplus += [p for p in pods if not is_deleting(p)]
        self._create(key, found, missing, digest)
        for pod in surplus[:BURST]:
            self.control.delete(found, pod)
        return bool(missing or surplus)

    def _replace(self, key: str, found: Object, node: str, pods: list[Object]) -> list[Object]:
        """Ended pods are replaced; of several living ones the oldest stays."""
        ended = [p for p in pods if podutil.is_finished(p) and not is_deleting(p)]
        if ended and not self._may_replace(key, found, node):
            ended = []
        for pod in ended:
            what = f"daemon pod {namespace_of(pod)}/{name_of(pod)} on node {node}, will try to"
            if podutil.phase_of(pod) == "Failed":
                text = f"Found failed {what} kill it"
                self.recorder.event(found, "Warning", "FailedDaemonPod", text)
            else:
                text = f"Found succeeded {what} delete it"
                self.recorder.event(found, "Normal", "SucceededDaemonPod", text)
        if daemonpods.max_surge(found, 1):
            return ended
        return ended + [p for p in pods if podutil.is_active(p)][1:]

    def _may_replace(self, key: str, found: Object, node: str) -> bool:
        """Models failedPodsBackoff: 1 s, 2 s, 4 s... up to a quarter of an hour."""
        now, where = self.clock.now(), (uid_of(found), node)
        delay, since = self._backoff.get(where, (0.0, now))
        if now < since + delay:
            self.queue.add_at(key, since + delay)
            return False
        calm = now - since > 2 * MAX_BACKOFF
        longer = FIRST_BACKOFF if calm else max(FIRST_BACKOFF, delay * 2)
        self._backoff[where] = (min(MAX_BACKOFF, longer), now)
        return True

    def _create(self, key: str, found: Object, nodes: list[str], digest: str) -> None:
        owner = controller_ref(found)

        def failed(error: StatusError) -> None:
            self._failed(key, error)

        pods = (daemonpods.new_pod(found, owner, node, digest) for node in nodes[:BURST])
        self.control.create(found, pods, failed)

    # ---- updates

    def _update(self, key: str, found: Object, by_node: ByNode, fits: Fits, digest: str) -> None:
        """Models rollingUpdate."""
        desired = [name for name, (run, _) in fits.items() if run]
        surge = daemonpods.max_surge(found, len(desired))
        if surge:
            self._surge(key, found, by_node, digest, surge)
            return
        down, old = 0, []
        for name in desired:
            living = [p for p in by_node.get(name, []) if podutil.is_active(p)]
            available = bool(living) and self._is_available(found, living[0])
            down += not available
            if living and not daemonpods.is_current(living[0], digest):
                old.append((available, living[0]))
        limit = daemonpods.max_unavailable(found, len(desired))
        for available, pod in sorted(old, key=lambda pair: pair[0]):
            if not available:
                self.control.delete(found, pod)
            elif down < limit:
                down += 1
                self.control.delete(found, pod)

    def _surge(self, key: str, found: Object, by_node: ByNode, digest: str, limit: int) -> None:
        """New pods beside old ones, maxSurge at a time; an old one goes when its new one is up."""
        surging = 0
        waiting: list[str] = []
        broken: list[str] = []
        for node, pods in by_node.items():
            living = [p for p in pods if podutil.is_active(p)]
            new = [p for p in living if daemonpods.is_current(p, digest)]
            old = [p for p in living if not daemonpods.is_current(p, digest)]
            if not old:
                continue
            if not new:
                up = any(self._is_available(found, pod) for pod in old)
                (waiting if up else broken).append(node)
            elif self._is_available(found, new[0]):
                for pod in old:
                    self.control.delete(found, pod)
            else:
                surging += 1
        # Where nothing serves any more, nothing is gained by waiting.
        self._create(key, found, broken + waiting[: max(0, limit - surging)], digest)

    def _is_available(self, found: Object, pod: Object) -> bool:
        at = podutil.available_at(pod, found["spec"].get("minReadySeconds", 0))
        return at is not None and at <= self.clock.now()

    # ---- status

    def _report(self, key: str, found: Object, by_node: ByNode, fits: Fits, digest: str) -> None:
        now, min_ready = self.clock.now(), found["spec"].get("minReadySeconds", 0)
        desired = current = misscheduled = ready = available = updated = 0
        for name, (run, _) in fits.items():
            pods = by_node.get(name)
            desired += run
            if not pods:
                continue
            if not run:
                misscheduled += 1
                continue
            current += 1
            updated += daemonpods.is_current(pods[0], digest)
            at = podutil.available_at(pods[0], min_ready)
            if at is not None:
                ready += 1
                available += at <= now
                if at > now:
                    self.queue.add_at(key, at)
        optional = {
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
            "numberUnavailable": desired - available,
        }
        status = {
            "currentNumberScheduled": current,
            "numberMisscheduled": misscheduled,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            "observedGeneration": found["metadata"].get("generation", 1),
            **{k: v for k, v in optional.items() if v},
        }
        if status != found.get("status"):
            self.client.update_status({**found, "status": status}, base=found)


def _same_node(old: Object, new: Object) -> bool:
    return (
        old["metadata"].get("labels") == new["metadata"].get("labels")
        and old["spec"] == new["spec"]
    )
