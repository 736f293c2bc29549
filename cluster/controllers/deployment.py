"""deployment: ReplicaSets for templates, old ones down and the new one up.

Models pkg/controller/deployment: sync.go, rolling.go, recreate.go, progress.go.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import deploymentstatus, podutil, rollout
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

NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        rollout.REVISION,
        "deployment.kubernetes.io/revision-history",
        rollout.DESIRED,
        rollout.MAX,
        "deprecated.deployment.rollback.to",
    }
)


class DeploymentController(Controller):
    name = "deployment-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.deployments = env.informers.lister(kinds.DEPLOYMENTS)
        self.sets = env.informers.lister(kinds.REPLICA_SETS)
        self.pods = env.informers.lister(kinds.PODS)
        self.sets.add_index("controller", by_controller)
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
            return None
        sets = self._claim(deployment)
        if is_deleting(deployment):
            return self._report(key, deployment, sets, None)
        new = rollout.new_set(deployment, sets)
        old = [s for s in sets if s is not new]
        if deployment["spec"].get("paused") or self._is_scaling(deployment, sets):
            self._scale_all(deployment, sets, new)
            return self._report(key, deployment, sets, new)
        if not rollout.is_rolling(deployment) and any(self._has_pods(s) for s in old):
            return self._recreate(key, deployment, sets, new, old)
        if new is None:
            if self._create_set(deployment, sets):
                return self._report(key, deployment, sets, None)
            return None
        if not self._refresh(deployment, new, old):
            self._roll(deployment, sets, new, old)
        return self._report(key, deployment, sets, new)

    def _claim(self, deployment: Object) -> list[Object]:
        selector = from_label_selector(deployment["spec"]["selector"])
        own = self.sets.by_index("controller", uid_of(deployment))
        out = [s for s in own if selector.matches(labels_of(s))]
        if is_deleting(deployment):
            return out
        for orphan in self.sets.by_index("controller", ""):
            same = namespace_of(orphan) == namespace_of(deployment)
            if same and selector.matches(labels_of(orphan)) and not is_deleting(orphan):
                refs = [
                    *(orphan["metadata"].get("ownerReferences") or ()),
                    controller_ref(deployment),
                ]
                self.client.update(with_metadata(orphan, ownerReferences=refs), base=orphan)
        return out

    def _has_pods(self, found: Object) -> bool:
        pods = self.pods.by_index("controller", uid_of(found))
        return bool(found["spec"]["replicas"]) or any(not podutil.is_finished(p) for p in pods)

    # ---- the new ReplicaSet

    def _create_set(self, deployment: Object, sets: list[Object]) -> bool:
        """True when it was asked for; a clash of hashes raises collisionCount first."""
        collisions = deployment.get("status", {}).get("collisionCount", 0)
        template = deployment["spec"]["template"]
        digest = podutil.template_hash(template, collisions)
        name, namespace = f"{name_of(deployment)}-{digest}", namespace_of(deployment)
        if self.sets.get(f"{namespace}/{name}") is not None:
            status = {**deployment.get("status", {}), "collisionCount": collisions + 1}
            self.client.update_status({**deployment, "status": status}, base=deployment)
            return False
        labels = {
            **((template.get("metadata") or {}).get("labels") or {}),
            podutil.TEMPLATE_HASH: digest,
        }
        selector = deployment["spec"]["selector"]
        match = {**(selector.get("matchLabels") or {}), podutil.TEMPLATE_HASH: digest}
        size = self._first_size(deployment, sets)
        new = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "annotations": self._annotations(deployment, {}, self._next_revision(sets)),
                "ownerReferences": [controller_ref(deployment)],
            },
            "spec": {
                "replicas": size,
                "selector": {**selector, "matchLabels": match},
                "template": {
                    **template,
                    "metadata": {**(template.get("metadata") or {}), "labels": labels},
                },
            },
        }
        if min_ready := deployment["spec"].get("minReadySeconds"):
            new["spec"]["minReadySeconds"] = min_ready
        self.client.create(new)
        if size:
            text = f"Scaled up replica set {name} from 0 to {size}"
            self.recorder.event(deployment, "Normal", "ScalingReplicaSet", text)
        return True

    def _first_size(self, deployment: Object, sets: list[Object]) -> int:
        empty = {"spec": {"replicas": 0}}
        return rollout.next_replicas(deployment, sets, empty)

    @staticmethod
    def _next_revision(old: list[Object]) -> int:
        return max((rollout.revision(s) for s in old), default=0) + 1

    def _annotations(
        self, deployment: Object, have: dict[str, str], revision: int
    ) -> dict[str, str]:
        """Models SetNewReplicaSetAnnotations and SetReplicasAnnotations."""
        copied = {k: v for k, v in annotations_of(deployment).items() if k not in NOT_COPIED}
        wanted = deployment["spec"]["replicas"]
        out = {**have, **copied, rollout.REVISION: str(revision)}
        out[rollout.DESIRED] = str(wanted)
        out[rollout.MAX] = str(wanted + rollout.max_surge(deployment))
        return out

    def _refresh(self, deployment: Object, new: Object, old: list[Object]) -> bool:
        """Keep the new set's annotations and the Deployment's revision right; True if written."""
        highest = max(rollout.revision(new), self._next_revision(old))
        annotations = self._annotations(deployment, annotations_of(new), highest)
        min_ready = deployment["spec"].get("minReadySeconds", 0)
        changed = annotations != annotations_of(new)
        if changed or new["spec"].get("minReadySeconds", 0) != min_ready:
            spec = {**new["spec"], "minReadySeconds": min_ready}
            updated = with_metadata({**new, "spec": spec}, annotations=annotations)
            self.client.update(updated, base=new)
            return True
        if annotations_of(deployment).get(rollout.REVISION) != str(highest):
            own = {**annotations_of(deployment), rollout.REVISION: str(highest)}
            self.client.update(with_metadata(deployment, annotations=own), base=deployment)
            return True
        return False

    # ---- sizes

    def _is_scaling(self, deployment: Object, sets: list[Object]) -> bool:
        """Somebody changed spec.replicas since the sets were sized. Models isScalingEvent."""
        wanted = str(deployment["spec"]["replicas"])
        return any(
            annotations_of(s).get(rollout.DESIRED, wanted) != wanted
            for s in sets
            if s["spec"]["replicas"]
        )

    def _scale_all(self, deployment: Object, sets: list[Object], new: Object | None) -> None:
        wanted = deployment["spec"]["replicas"]
        active = [s for s in sets if s["spec"]["replicas"]]
        if len(active) <= 1:
            target = active[0] if active else new
            if target is not None:
                self._scale(deployment, target, wanted)
            return
        if new is not None and deploymentstatus.saturated(deployment, new):
            for found in active:
                self._scale(deployment, found, wanted if found is new else 0)
            return
        if rollout.is_rolling(deployment):
            sizes = rollout.proportions(deployment, active)
            for found in active:
                self._scale(deployment, found, sizes[name_of(found)])

    def _scale(self, deployment: Object, found: Object, size: int) -> None:
        annotations = self._annotations(deployment, annotations_of(found), rollout.revision(found))
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

    def _roll(self, deployment: Object, sets: list[Object], new: Object, old: list[Object]) -> None:
        """Up first, then down. Models rolloutRolling."""
        size = rollout.next_replicas(deployment, sets, new)
        if new["spec"]["replicas"] > deployment["spec"]["replicas"]:
            size = deployment["spec"]["replicas"]
        if size != new["spec"]["replicas"]:
            return self._scale(deployment, new, size)
        active = [s for s in old if s["spec"]["replicas"]]
        if active:
            self._shrink(deployment, sets, new, rollout.by_age(active))
        elif deploymentstatus.complete(deployment, sets, new):
            self._clean_up(deployment, old)
        return None

    def _shrink(
        self, deployment: Object, sets: list[Object], new: Object, old: list[Object]
    ) -> None:
        """Unhealthy old pods first, then as many as availability allows."""
        floor = deployment["spec"]["replicas"] - rollout.max_unavailable(deployment)
        missing = new["spec"]["replicas"] - new.get("status", {}).get("availableReplicas", 0)
        budget = rollout.replicas_of(sets) - floor - missing
        if budget <= 0:
            return
        sizes = {name_of(s): int(s["spec"]["replicas"]) for s in old}
        for found in old:
            unhealthy = sizes[name_of(found)] - found.get("status", {}).get("availableReplicas", 0)
            cut = max(0, min(budget, unhealthy))
            sizes[name_of(found)] -= cut
            budget -= cut
        spare = rollout.actual_of(sets, "availableReplicas") - floor
        for found in old:
            cut = max(0, min(spare, sizes[name_of(found)]))
            sizes[name_of(found)] -= cut
            spare -= cut
        for found in old:
            self._scale(deployment, found, sizes[name_of(found)])

    def _recreate(
        self,
        key: str,
        deployment: Object,
        sets: list[Object],
        new: Object | None,
        old: list[Object],
    ) -> None:
        for found in old:
            if found["spec"]["replicas"]:
                self._scale(deployment, found, 0)
        self._report(key, deployment, sets, new)

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Old empty sets beyond revisionHistoryLimit go, the oldest revision first."""
        idle = [
            s
            for s in old
            if not s["spec"]["replicas"]
            and not s.get("status", {}).get("replicas")
            and s.get("status", {}).get("observedGeneration", 0)
            >= s["metadata"].get("generation", 1)
            and not is_deleting(s)
        ]
        excess = len(idle) - deployment["spec"].get("revisionHistoryLimit", 10)
        for found in sorted(idle, key=rollout.revision)[: max(0, excess)]:
            self.client.delete(found)

    # ---- status

    def _report(self, key: str, deployment: Object, sets: list[Object], new: Object | None) -> None:
        now = self.clock.now()
        status = deploymentstatus.status_of(deployment, sets, new, now)
        if status != deployment.get("status"):
            self.client.update_status({**deployment, "status": status}, base=deployment)
        deadline = deploymentstatus.progress_deadline(deployment, status)
        if deadline is not None and deadline > now:
            self.queue.add_at(key, deadline)
