"""replicaset: as many pods as asked for. Models pkg/controller/replicaset."""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import podutil
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
    with_metadata,
)
from cluster.machinery.selectors import from_label_selector

BURST = 500


class ReplicaSetController(Controller):
    name = "replicaset-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.sets = env.informers.lister(kinds.REPLICA_SETS)
        self.pods = env.informers.lister(kinds.PODS)
        self.pods.add_index("controller", by_controller)
        env.informers[kinds.REPLICA_SETS].add_handler(self._on_set)
        env.informers[kinds.PODS].add_handler(self._on_pod)
        self._failures: dict[str, str] = {}

    def _on_set(self, event: InformerEvent) -> None:
        self.enqueue(event.key, event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        for pod in (event.old, event.new):
            if pod is not None:
                self._enqueue_owner(pod, event)

    def _enqueue_owner(self, pod: Object, event: InformerEvent) -> None:
        ref = controller_of(pod)
        namespace = namespace_of(pod)
        if ref is not None:
            if ref["kind"] == "ReplicaSet":
                self.enqueue(f"{namespace}/{ref['name']}", event.revision)
            return
        for found in self.sets.list(namespace):
            if from_label_selector(found["spec"].get("selector")).matches(labels_of(pod)):
                self.enqueue(f"{namespace}/{name_of(found)}", event.revision)

    def reconcile(self, key: str) -> None:
        found = self.sets.get(key)
        if found is None:
            self._failures.pop(key, None)
            return
        pods = [p for p in self._claim(found) if podutil.is_active(p)]
        difference = len(pods) - found["spec"]["replicas"]
        if not is_deleting(found) and difference:
            if difference < 0:
                self._create(key, found, min(-difference, BURST))
            else:
                self._delete(found, pods, min(difference, BURST))
        self._report(key, found, pods)

    def _claim(self, found: Object) -> list[Object]:
        """Its own pods, and orphans that it adopts. Models PodControllerRefManager."""
        selector = from_label_selector(found["spec"]["selector"])
        out = []
        for pod in self.pods.by_index("controller", uid_of(found)):
            if selector.matches(labels_of(pod)):
                out.append(pod)
            elif not is_deleting(found):
                self._write_owners(pod, [r for r in _owners(pod) if r.get("uid") != uid_of(found)])
        if not is_deleting(found):
            for pod in self.pods.by_index("controller", ""):
                same = namespace_of(pod) == namespace_of(found)
                if same and selector.matches(labels_of(pod)) and podutil.is_active(pod):
                    self._write_owners(pod, [*_owners(pod), controller_ref(found)])
                    out.append(pod)
        return out

    def _write_owners(self, pod: Object, owners: list[Object]) -> None:
        self.client.update(with_metadata(pod, ownerReferences=owners or None), base=pod)

    def _create(self, key: str, found: Object, count: int) -> None:
        template = podutil.from_template(
            found["spec"]["template"], controller_ref(found), name_of(found), namespace_of(found)
        )
        self._failures.pop(key, None)
        for _ in range(count):
            self.client.create(
                template,
                on_error=lambda error: self._create_failed(key, found, error),
                on_done=lambda pod: self.recorder.event(
                    found, "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}"
                ),
            )

    def _create_failed(self, key: str, found: Object, error: StatusError) -> None:
        self._failures[key] = error.message
        text = f"Error creating: {error.message}"
        self.recorder.event(found, "Warning", "FailedCreate", text)
        self._failed(key, error)

    def _delete(self, found: Object, pods: list[Object], count: int) -> None:
        crowd = podutil.crowd_of(pods)
        for pod in sorted(pods, key=lambda p: podutil.deletion_rank(p, crowd))[:count]:
            self.client.delete(pod)
            text = f"Deleted pod: {name_of(pod)}"
            self.recorder.event(found, "Normal", "SuccessfulDelete", text)

    def _report(self, key: str, found: Object, pods: list[Object]) -> None:
        spec, now = found["spec"], self.clock.now()
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        min_ready = spec.get("minReadySeconds", 0)
        ready = available = labelled = 0
        soonest: float | None = None
        for pod in pods:
            labelled += labels.items() <= labels_of(pod).items()
            at = podutil.available_at(pod, min_ready)
            if at is None:
                continue
            ready += 1
            if at <= now:
                available += 1
            else:
                soonest = at if soonest is None else min(soonest, at)
        if soonest is not None:
            self.queue.add_at(key, soonest)
        status = {
            "replicas": len(pods),
            "fullyLabeledReplicas": labelled,
            "readyReplicas": ready,
            "availableReplicas": available,
            "observedGeneration": found["metadata"].get("generation", 1),
            "conditions": self._conditions(key, found),
        }
        shown = {k: v for k, v in status.items() if v or k in ("replicas", "observedGeneration")}
        if shown != found.get("status"):
            self.client.update_status({**found, "status": shown}, base=found)

    def _conditions(self, key: str, found: Object) -> list[Object]:
        message = self._failures.get(key)
        old = condition(found.get("status", {}).get("conditions"), "ReplicaFailure")
        if message is None:
            return []
        since = old["lastTransitionTime"] if old else format_time(self.clock.now())
        return [
            {
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": since,
                "reason": "FailedCreate",
                "message": message,
            }
        ]


def _owners(pod: Object) -> list[Object]:
    return list(pod["metadata"].get("ownerReferences") or ())
