"""deployment: ReplicaSets for templates, old ones down and the new one up.

Models pkg/controller/deployment: deployment_controller.go, sync.go, rolling.go, recreate.go.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import deploymentstatus, newset, podutil, rollout
from cluster.controllers.deploymentstatus import Status
from cluster.machinery.meta import (
    Object,
    annotations_of,
    controller_of,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_metadata,
)
from cluster.machinery.selectors import from_label_selector


class DeploymentController(Controller):
    name = "deployment-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.deployments = env.informers.lister(kinds.DEPLOYMENTS)
        self.sets = env.informers.lister(kinds.REPLICA_SETS)
        self.pods = env.informers.lister(kinds.PODS)
        self.sets.add_index("controller", by_controller)
        self.sets.add_index("orphans", podutil.orphans)
        self.pods.add_index("controller", by_controller)
        env.informers[kinds.DEPLOYMENTS].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.REPLICA_SETS].add_handler(self._on_set)
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def _on_set(self, event: InformerEvent) -> None:
        for found in (event.old, event.new):
            if found is None:
                continue
            ref, namespace = controller_of(found), namespace_of(found)
            if ref is not None:
                if ref["kind"] == "Deployment":
                    self.enqueue(f"{namespace}/{ref['name']}", event.revision)
                continue
            for each in self.deployments.list(namespace):
                if from_label_selector(each["spec"]["selector"]).matches(labels_of(found)):
                    self.enqueue(f"{namespace}/{name_of(each)}", event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        """Only Recreate waits for pods: when the last one is gone."""
        if event.type != "DELETED":
            return
        ref = controller_of(event.obj)
        if ref is None or ref["kind"] != "ReplicaSet":
            return
        namespace = namespace_of(event.obj)
        owner = self.sets.get(f"{namespace}/{ref['name']}")
        above = controller_of(owner) if owner is not None else None
        if above is None:
            return
        found = self.deployments.get(f"{namespace}/{above['name']}")
        if found is not None and not rollout.is_rolling(found):
            self.enqueue(f"{namespace}/{above['name']}", event.revision)

    def reconcile(self, key: str) -> None:
        deployment = self.deployments.get(key)
        if deployment is None:
            return
        sets = self._claim(deployment)
        new = rollout.new_set(deployment, sets)
        status = deploymentstatus.calculate(deployment, sets, new, self.clock.now())
        if is_deleting(deployment):
            self._report(key, deployment, status)
        elif deployment["spec"].get("paused") or self._is_scaling(deployment, sets):
            self._resize(deployment, sets, new, status)
            self._report(key, deployment, status)
        else:
            self._roll_out(key, deployment, sets, new, status)

    def _claim(self, deployment: Object) -> list[Object]:
        """Its own sets; orphans that match are adopted, and are its own from the next round on."""
        selector = from_label_selector(deployment["spec"]["selector"])
        own = self.sets.by_index("controller", uid_of(deployment))
        out = [s for s in own if selector.matches(labels_of(s))]
        if is_deleting(deployment):
            return out
        for orphan in self.sets.by_index("orphans", namespace_of(deployment)):
            if selector.matches(labels_of(orphan)) and not is_deleting(orphan):
                have = orphan["metadata"].get("ownerReferences") or ()
                refs = [*have, controller_ref(deployment)]
                self.client.update(with_metadata(orphan, ownerReferences=refs), base=orphan)
        return out

    # ---- rolling out

    def _roll_out(
        self, key: str, deployment: Object, sets: list[Object], new: Object | None, status: Status
    ) -> None:
        old = [s for s in sets if s is not new]
        revision = max((rollout.revision(s) for s in old), default=0) + 1
        recreate = not rollout.is_rolling(deployment)
        shown = 0
        if recreate and any(self._has_pods(s) for s in old):
            for found in old:
                if found["spec"]["replicas"]:
                    self._scale(deployment, found, 0)
        elif new is None:
            self._create_set(key, deployment, sets, status, revision)
            return
        else:
            shown = max(rollout.revision(new), revision)
            if not self._keep_annotated(deployment, new, revision):
                self._roll(deployment, sets, new, old, status)
        deploymentstatus.progress(deployment, status, sets, new, self.clock.now())
        self._report(key, deployment, status, shown)

    def _has_pods(self, found: Object) -> bool:
        pods = self.pods.by_index("controller", uid_of(found))
        return bool(found["spec"]["replicas"]) or any(not podutil.is_finished(p) for p in pods)

    def _create_set(
        self, key: str, deployment: Object, sets: list[Object], status: Status, revision: int
    ) -> None:
        """A set of that name with another template means the hashes clash: count and try again."""
        size = rollout.next_replicas(deployment, sets, {"spec": {"replicas": 0}})
        collisions = status.get("collisionCount", 0)
        new = newset.build(deployment, collisions, revision, size)
        if self.sets.get(f"{namespace_of(new)}/{name_of(new)}") is not None:
            status["collisionCount"] = collisions + 1
            self._report(key, deployment, status)
            return
        self.client.create(new)
        if size:
            text = f"Scaled up replica set {name_of(new)} from 0 to {size}"
            self.recorder.event(deployment, "Normal", "ScalingReplicaSet", text)
        deploymentstatus.created(deployment, status, name_of(new), self.clock.now())
        self._report(key, deployment, status, revision)

    def _keep_annotated(self, deployment: Object, new: Object, revision: int) -> bool:
        """The new set carries the Deployment's annotations and minReadySeconds; True if written."""
        annotations = newset.annotated(deployment, annotations_of(new), revision)
        min_ready = deployment["spec"].get("minReadySeconds", 0)
        same = new["spec"].get("minReadySeconds", 0) == min_ready
        if same and annotations == annotations_of(new):
            return False
        spec = new["spec"] if same else {**new["spec"], "minReadySeconds": min_ready}
        updated = with_metadata({**new, "spec": spec}, annotations=annotations)
        self.client.update(updated, base=new)
        return True

    def _roll(
        self, deployment: Object, sets: list[Object], new: Object, old: list[Object], status: Status
    ) -> None:
        """Up first, then down. Models rolloutRolling."""
        size = rollout.next_replicas(deployment, sets, new)
        if size != new["spec"]["replicas"]:
            self._scale(deployment, new, size)
            return
        active = [s for s in old if s["spec"]["replicas"]]
        if active:
            sizes = rollout.shrunk(deployment, sets, new, active)
            for found in active:
                if (size := sizes[name_of(found)]) != found["spec"]["replicas"]:
                    self._scale(deployment, found, size)
        elif deploymentstatus.complete(deployment, status):
            self._clean_up(deployment, old)

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Old empty sets beyond revisionHistoryLimit go, the oldest revision first."""
        kept = [s for s in old if not is_deleting(s)]
        excess = len(kept) - deployment["spec"].get("revisionHistoryLimit", 10)
        for found in sorted(kept, key=rollout.revision)[: max(0, excess)]:
            if rollout.is_idle(found):
                self.client.delete(found)

    # ---- scaling

    def _is_scaling(self, deployment: Object, sets: list[Object]) -> bool:
        """Somebody changed spec.replicas since the sets were sized. Models isScalingEvent."""
        wanted = str(deployment["spec"]["replicas"])
        return any(
            annotations_of(s).get(rollout.DESIRED, wanted) != wanted
            for s in sets
            if s["spec"]["replicas"]
        )

    def _resize(
        self, deployment: Object, sets: list[Object], new: Object | None, status: Status
    ) -> None:
        """Models scale in sync.go."""
        wanted = deployment["spec"]["replicas"]
        active = [s for s in sets if s["spec"]["replicas"]]
        if len(active) <= 1:
            latest = rollout.by_age(sets)[-1] if sets else None
            target = active[0] if active else new if new is not None else latest
            if target is not None:
                self._scale(deployment, target, wanted)
        elif new is not None and deploymentstatus.saturated(deployment, new):
            for found in active:
                if found is not new:
                    self._scale(deployment, found, 0)
        elif rollout.is_rolling(deployment):
            sizes = rollout.proportions(deployment, active)
            for found in active:
                self._scale(deployment, found, sizes[name_of(found)])
        if deployment["spec"].get("paused"):
            self._clean_up(deployment, [s for s in sets if s is not new])

    def _scale(self, deployment: Object, found: Object, size: int) -> None:
        annotations = {**annotations_of(found), **newset.sizes(deployment)}
        have = found["spec"]["replicas"]
        if size == have and annotations == annotations_of(found):
            return
        spec = {**found["spec"], "replicas": size}
        updated = with_metadata({**found, "spec": spec}, annotations=annotations)
        self.client.update(updated, base=found)
        if size != have:
            word = "up" if size > have else "down"
            text = f"Scaled {word} replica set {name_of(found)} from {have} to {size}"
            self.recorder.event(deployment, "Normal", "ScalingReplicaSet", text)

    # ---- status

    def _report(self, key: str, deployment: Object, status: Status, revision: int = 0) -> None:
        """Status and revision annotation in one write, as upstream."""
        annotations = annotations_of(deployment)
        moved = bool(revision) and annotations.get(rollout.REVISION) != str(revision)
        if moved or status != deployment.get("status"):
            if moved:
                annotations = {**annotations, rollout.REVISION: str(revision)}
            updated = with_metadata(deployment, annotations=annotations or None)
            self.client.update_status({**updated, "status": status}, base=deployment)
        due = deploymentstatus.deadline(deployment, status)
        if due is not None and due > self.clock.now():
            self.queue.add_at(key, due)
