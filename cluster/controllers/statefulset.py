"""statefulset: pods with names, one after the other. Models pkg/controller/statefulset.

    revisions -> status -> fill from below -> remove surplus from above -> update from above

OrderedReady stops at the first pod that is not available; Parallel does not.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import podutil, revisions, statefulpods
from cluster.controllers.ownedpods import OwnedPods
from cluster.controllers.podcontrol import PodControl, is_terminating
from cluster.controllers.statefulclaims import StatefulClaims
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)

HASH = "controller.kubernetes.io/hash"
Status = dict[str, Any]


class StatefulSetController(Controller):
    name = "statefulset-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.sets = env.informers.lister(kinds.STATEFUL_SETS)
        self.revisions = env.informers.lister(kinds.CONTROLLER_REVISIONS)
        self.revisions.add_index("controller", by_controller)
        self.control = PodControl(env, self.recorder)
        self.claims = StatefulClaims(env, self.recorder)
        env.informers[kinds.STATEFUL_SETS].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.CONTROLLER_REVISIONS].add_handler(self._on_revision)
        env.informers[kinds.PERSISTENT_VOLUME_CLAIMS].add_handler(self._on_claim)
        hear = OwnedPods.of(env).hear
        hear("StatefulSet", lambda key, e: self.enqueue(key, e.revision), self.sets)

    def _on_revision(self, event: InformerEvent) -> None:
        key = podutil.owner_key(event.obj, "StatefulSet")
        if key is not None:
            self.enqueue(key, event.revision)

    def _on_claim(self, event: InformerEvent) -> None:
        """A claim that is gone may be what a pod waits for."""
        if event.new is not None:
            return
        namespace = namespace_of(event.obj)
        for found in self.sets.list(namespace):
            for template in found["spec"].get("volumeClaimTemplates") or ():
                if name_of(event.obj).startswith(f"{name_of(template)}-{name_of(found)}-"):
                    self.enqueue(f"{namespace}/{name_of(found)}", event.revision)

    def reconcile(self, key: str) -> None:
        found = self.sets.get(key)
        if found is None:
            return
        own = self.revisions.by_index("controller", uid_of(found))
        update = revisions.current(found, own)
        if update is None:
            self.client.create(revisions.new(found, own, HASH))
            return  # its event makes the key dirty again
        revisions.lift(self.client, update, own)
        before = (found.get("status") or {}).get("currentRevision")
        current = next((r for r in own if name_of(r) == before), update)
        pods = [p for p in self.control.claim(found) if statefulpods.parent_of(p) == name_of(found)]
        work = _Work(self, key, found, pods, current, update)
        status = work.status()
        if not is_deleting(found):
            work.establish(status)
        self._report(found, status)
        live = {statefulpods.revision_of_pod(p) for p in pods} | {name_of(current)}
        revisions.truncate(self.client, found, own, live, update, by_name=True)

    def _report(self, found: Object, status: Status) -> None:
        always = ("replicas", "availableReplicas", "collisionCount")
        shown = {k: v for k, v in status.items() if v or k in always}
        if shown != found.get("status"):
            self.client.update_status({**found, "status": shown}, base=found)


class _Work:
    """One look at one set."""

    def __init__(
        self,
        controller: StatefulSetController,
        key: str,
        found: Object,
        pods: list[Object],
        current: Object,
        update: Object,
    ) -> None:
        self.controller, self.key, self.found, self.pods = controller, key, found, pods
        self.current, self.update = current, update
        self.now = controller.clock.now()
        self.ordered = not statefulpods.is_parallel(found)
        start, count = statefulpods.start_of(found), found["spec"]["replicas"]
        by_ordinal = {statefulpods.ordinal_of(p): p for p in pods}
        self.ordinals = range(start, start + count)
        self.replicas = {i: by_ordinal.get(i) for i in self.ordinals}
        self.condemned = [
            by_ordinal[i] for i in sorted(by_ordinal, reverse=True) if i not in self.ordinals
        ]

    # ---- what there is

    def status(self) -> Status:
        """Models updateStatus and completeRollingUpdate."""
        ready = available = current = updated = 0
        for pod in self.pods:
            at = statefulpods.available_at(self.found, pod)
            if at is not None:
                ready += 1
                available += at <= self.now
                if at > self.now:
                    self.controller.queue.add_at(self.key, at)
            if not is_deleting(pod):
                revision = statefulpods.revision_of_pod(pod)
                current += revision == name_of(self.current)
                updated += revision == name_of(self.update)
        out: Status = {
            "observedGeneration": self.found["metadata"].get("generation", 1),
            "replicas": len(self.pods),
            "readyReplicas": ready,
            "availableReplicas": available,
            "currentReplicas": current,
            "updatedReplicas": updated,
            "currentRevision": name_of(self.current),
            "updateRevision": name_of(self.update),
            "collisionCount": (self.found.get("status") or {}).get("collisionCount", 0),
        }
        rolling = statefulpods.rolling(self.found) is not None
        if rolling and updated == ready == len(self.pods):
            out["currentReplicas"] = updated
            out["currentRevision"] = name_of(self.update)
        return out

    def _healthy(self, pod: Object) -> bool:
        return statefulpods.is_running_and_ready(pod) and not is_deleting(pod)

    # ---- what is to be done

    def establish(self, status: Status) -> None:
        """Models updateStatefulSet."""
        for ordinal, pod in self.replicas.items():
            if self._fill(ordinal, pod) and self.ordered:
                return
        for pod in self.condemned:
            self.controller.claims.retain(self.found, pod, condemned=True)
        for pod in self.condemned:
            self._condemn(pod)
            if self.ordered:
                return
        if statefulpods.rolling(self.found) is not None:
            self._roll(status)

    def _fill(self, ordinal: int, pod: Object | None) -> bool:
        """True: nothing above this ordinal may be touched yet."""
        if pod is None:
            self._create(ordinal)
            return True
        if podutil.is_finished(pod):
            self._recreate(pod)
            return True
        if podutil.phase_of(pod) == "Pending" and not is_deleting(pod):
            self.controller.claims.ensure(self.found, ordinal)
        if is_deleting(pod) or not statefulpods.is_available(self.found, pod, self.now):
            return True
        self._keep_identity(pod)
        self.controller.claims.retain(self.found, pod, condemned=False)
        return False

    def _keep_identity(self, pod: Object) -> None:
        labels = labels_of(pod)
        if labels.get(statefulpods.POD_NAME) != name_of(pod):
            labels = {**labels, statefulpods.POD_NAME: name_of(pod)}
            self.controller.client.update(with_metadata(pod, labels=labels), base=pod)

    def _recreate(self, pod: Object) -> None:
        if is_deleting(pod):
            return
        failed = podutil.phase_of(pod) == "Failed"
        where = f"StatefulSet {namespace_of(self.found)}/{name_of(self.found)}"
        what = "failed" if failed else "terminated"
        self.controller.recorder.event(
            self.found,
            "Warning" if failed else "Normal",
            "RecreatingFailedPod" if failed else "RecreatingTerminatedPod",
            f"{where} is recreating {what} Pod {name_of(pod)}",
        )
        self._delete(pod)

    def _create(self, ordinal: int) -> None:
        if not self.controller.claims.ensure(self.found, ordinal):
            return
        below = statefulpods.start_of(self.found) + statefulpods.partition(self.found)
        old = statefulpods.rolling(self.found) is not None and ordinal < below
        revision = self.current if old else self.update
        template = {k: v for k, v in revision["data"]["spec"]["template"].items() if k != "$patch"}
        pod = statefulpods.new_pod(self.found, template, name_of(revision), ordinal)
        what = f"create Pod {name_of(pod)} in StatefulSet {name_of(self.found)}"
        controller, recorder = self.controller, self.controller.recorder

        def refused(error: StatusError) -> None:
            if error.reason == "AlreadyExists" or is_terminating(error):
                return
            text = f"{what} failed error: {error.message}"
            recorder.event(self.found, "Warning", "FailedCreate", text)
            controller._failed(self.key, error)

        def done(_: Object) -> None:
            recorder.event(self.found, "Normal", "SuccessfulCreate", f"{what} successful")

        controller.client.create(pod, on_error=refused, on_done=done)

    def _condemn(self, pod: Object) -> None:
        """Surplus goes from above, one at a time; an unhealthy one may go only if it is first."""
        if is_deleting(pod):
            return
        if self.ordered and not statefulpods.is_available(self.found, pod, self.now):
            everyone = [p for p in self.replicas.values() if p is not None]
            lowest = sorted(self.condemned, key=statefulpods.ordinal_of)
            first = next((p for p in [*everyone, *lowest] if not self._healthy(p)), None)
            if pod is not first:
                return
        self._delete(pod)

    def _roll(self, status: Status) -> None:
        """Pods of another revision go from above, no more than maxUnavailable at a time."""
        limit = statefulpods.max_unavailable(self.found)
        floor = statefulpods.start_of(self.found) + statefulpods.partition(self.found)
        down = sum(
            pod is None
            or is_deleting(pod)
            or not statefulpods.is_available(self.found, pod, self.now)
            for pod in self.replicas.values()
        )
        for ordinal in reversed(self.ordinals):
            pod = self.replicas[ordinal]
            if ordinal < floor or pod is None:
                return
            healthy = self._healthy(pod) and statefulpods.is_available(self.found, pod, self.now)
            old = statefulpods.revision_of_pod(pod) != name_of(self.update)
            if old and not is_deleting(pod) and (not healthy or down < limit):
                down += healthy
                status["currentReplicas"] = max(0, status["currentReplicas"] - 1)
                self._delete(pod)
            elif not healthy and limit == 1:
                return
            if down >= limit:
                return

    def _delete(self, pod: Object) -> None:
        text = f"delete Pod {name_of(pod)} in StatefulSet {name_of(self.found)} successful"
        recorder = self.controller.recorder
        self.controller.client.delete(
            pod, on_done=lambda _: recorder.event(self.found, "Normal", "SuccessfulDelete", text)
        )
