"""pod-garbage-collector: pods of nodes that are gone, and too many that have ended.

Models pkg/controller/podgc.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_node
from cluster.controllers.podutil import disrupt, is_finished, phase_of
from cluster.machinery.meta import Object, is_deleting, is_true, key_of

QUARANTINE = 40.0  # a vanished node gets this long to come back
TERMINATED_LIMIT = 12_500  # --terminated-pod-gc-threshold
SWEEP = "terminated"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class PodGCController(Controller):
    """Keys: names of vanished nodes, pods that are unbound and terminating, and SWEEP."""

    name = "pod-garbage-collector-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.nodes = env.informers.lister(kinds.NODES)
        self.pods = env.informers.lister(kinds.PODS)
        self.pods.add_index("node", by_node)
        self._gone_since: dict[str, float] = {}
        self._ended = 0
        env.informers[kinds.NODES].add_handler(self._on_node)
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def _on_node(self, event: InformerEvent) -> None:
        if event.new is None:
            self.enqueue(f"node/{event.key}", event.revision)
            return
        self._gone_since.pop(event.key, None)
        if _out_of_service(event.new):
            for pod in self.pods.by_index("node", event.key):
                if is_deleting(pod):
                    self.enqueue(f"pod/{key_of(pod)}", event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        old, new = event.old, event.new
        if old is None or new is None or phase_of(old) != phase_of(new):
            self._ended += (new is not None and is_finished(new)) - (
                old is not None and is_finished(old)
            )
            if self._ended > TERMINATED_LIMIT:
                self.enqueue(SWEEP, event.revision)
        if new is None:
            return
        node = new["spec"].get("nodeName", "")
        if node and node not in self.nodes:
            self.enqueue(f"node/{node}", event.revision)
        elif is_deleting(new) and (not node or _out_of_service(self.nodes.get(node))):
            self.enqueue(f"pod/{event.key}", event.revision)

    def reconcile(self, key: str) -> None:
        kind, _, rest = key.partition("/")
        if kind == "node":
            self._collect_node(key, rest)
        elif kind == "pod":
            self._collect_terminating(rest)
        else:
            self._sweep()

    def _collect_node(self, key: str, node: str) -> None:
        if node in self.nodes:
            return
        now = self.clock.now()
        due = self._gone_since.setdefault(node, now) + QUARANTINE
        if now < due:
            self.queue.add_at(key, due)
            return
        del self._gone_since[node]
        for pod in self.pods.by_index("node", node):
            self._fail(pod, "DeletionByPodGC", "PodGC: node no longer exists")

    def _collect_terminating(self, key: str) -> None:
        """Deleted pods that no kubelet will ever confirm: unbound, or on a node that is out of
        service. Models gcUnscheduledTerminating and gcTerminating."""
        pod = self.pods.get(key)
        if pod is None or not is_deleting(pod):
            return
        name = pod["spec"].get("nodeName", "")
        if not name:
            self._fail(pod)
        elif _out_of_service(self.nodes.get(name)):
            self._fail(pod, "DeletionByPodGC", "PodGC: node is out of service")

    def _sweep(self) -> None:
        ended = [p for p in self.pods if is_finished(p)]
        excess = len(ended) - TERMINATED_LIMIT
        ended.sort(key=lambda p: (p["metadata"]["creationTimestamp"], key_of(p)))
        for pod in ended[: max(0, excess)]:
            self._delete(pod)

    def _fail(self, pod: Object, reason: str = "", text: str = "") -> None:
        """Its phase becomes Failed before it goes, so that a Job can count it."""
        if reason and not is_finished(pod):
            disrupt(self.client, pod, reason, text, self.clock.now(), phase="Failed")
        elif pod["metadata"].get("finalizers") and not is_finished(pod):
            failed = {**pod, "status": {**pod.get("status", {}), "phase": "Failed"}}
            self.client.update_status(failed, base=pod)
        self._delete(pod)

    def _delete(self, pod: Object) -> None:
        self.client.delete(pod, grace=0)


def _out_of_service(node: Object | None) -> bool:
    """Somebody has told us so, and it is not Ready."""
    taints = node["spec"].get("taints") if node is not None else None
    if node is None or not taints or all(t["key"] != OUT_OF_SERVICE for t in taints):
        return False
    return not is_true(node.get("status", {}).get("conditions"), "Ready")
