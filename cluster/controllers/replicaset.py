"""replicaset: as many pods as asked for. Models pkg/controller/replicaset."""

from __future__ import annotations

from itertools import repeat
from typing import ClassVar

from cluster.client import Controller, Env, Resource, kinds
from cluster.client.informer import by_controller
from cluster.controllers import podutil
from cluster.controllers.ownedpods import OwnedPods
from cluster.controllers.podcontrol import PodControl
from cluster.machinery.clock import format_time
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    condition,
    controller_of,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)

BURST = 500


class ReplicaSetController(Controller):
    name = "replicaset-controller"
    resource: ClassVar[Resource] = kinds.REPLICA_SETS

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.sets = env.informers.lister(self.resource)
        self.pods = env.informers.lister(kinds.PODS)
        self.sets.add_index("controller", by_controller)
        self.control = PodControl(env, self.recorder)
        env.informers[self.resource].add_handler(lambda e: self.enqueue(e.key, e.revision))
        OwnedPods.of(env).hear(
            self.resource.kind, lambda key, e: self.enqueue(key, e.revision), self.sets
        )
        self._refusals: dict[str, str] = {}  # why the last creation failed

    def reconcile(self, key: str) -> None:
        found = self.sets.get(key)
        if found is None:
            self._refusals.pop(key, None)
            return
        claimed = self.control.claim(found)
        pods, terminating = _alive(claimed)
        difference = len(pods) - found["spec"]["replicas"]
        if not is_deleting(found):
            if difference < 0:
                self._create(key, found, -difference)
            else:
                self._refusals.pop(key, None)
                self._delete(found, pods, min(difference, BURST))
        self._report(key, found, pods, terminating)

    def _create(self, key: str, found: Object, missing: int) -> None:
        """After a refusal one pod is tried before the rest. Models slowStartBatch."""
        count = 1 if key in self._refusals else min(missing, BURST)
        template = podutil.from_template(
            found["spec"]["template"], controller_ref(found), name_of(found), namespace_of(found)
        )

        def failed(error: StatusError) -> None:
            self._refusals[key] = error.message
            self._failed(key, error)

        def created() -> None:
            self._refusals.pop(key, None)

        self.control.create(found, repeat(template, count), failed, created)

    def _delete(self, found: Object, pods: list[Object], count: int) -> None:
        if not count:
            return
        crowd, now = podutil.crowd_of(self._related(found, pods)), self.clock.now()
        for pod in sorted(pods, key=lambda p: podutil.deletion_rank(p, crowd, now))[:count]:
            self.control.delete(found, pod)

    def _related(self, found: Object, pods: list[Object]) -> list[Object]:
        """The pods of all sets of the same Deployment. Models getIndirectlyRelatedPods."""
        ref = controller_of(found)
        if ref is None:
            return pods
        siblings = self.sets.by_index("controller", ref["uid"])
        related = (p for s in siblings for p in self.pods.by_index("controller", uid_of(s)))
        return [p for p in related if podutil.is_active(p)]

    # ---- status

    def _report(self, key: str, found: Object, pods: list[Object], terminating: int) -> None:
        spec, now = found["spec"], self.clock.now()
        labels = ((spec["template"].get("metadata") or {}).get("labels") or {}).items()
        min_ready = spec.get("minReadySeconds", 0)
        ready = available = 0
        for pod in pods:
            at = podutil.available_at(pod, min_ready)
            if at is not None:
                ready += 1
                available += at <= now
                if at > now:
                    self.queue.add_at(key, at)
        status = {
            "replicas": len(pods),
            "fullyLabeledReplicas": sum(labels <= labels_of(p).items() for p in pods),
            "readyReplicas": ready,
            "availableReplicas": available,
            "terminatingReplicas": terminating,
            "observedGeneration": found["metadata"].get("generation", 1),
            "conditions": self._conditions(key, found),
        }
        always = ("replicas", "terminatingReplicas")
        shown = {k: v for k, v in status.items() if v or k in always}
        if shown != found.get("status"):
            self.client.update_status({**found, "status": shown}, base=found)

    def _conditions(self, key: str, found: Object) -> list[Object]:
        message = self._refusals.get(key)
        if message is None:
            return []
        old = condition(found.get("status", {}).get("conditions"), "ReplicaFailure")
        if old is not None:
            return [old]  # it tells of the first refusal; a new text would be a new reason to try
        return [
            {
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": format_time(self.clock.now()),
                "reason": "FailedCreate",
                "message": message,
            }
        ]


def _alive(claimed: list[Object]) -> tuple[list[Object], int]:
    """The active ones, and how many are on their way out."""
    active, terminating = [], 0
    for pod in claimed:
        if pod["status"].get("phase") in ("Succeeded", "Failed"):
            continue
        if "deletionTimestamp" in pod["metadata"]:
            terminating += 1
        else:
            active.append(pod)
    return active, terminating
