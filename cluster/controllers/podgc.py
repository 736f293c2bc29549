"""pod-garbage-collector: pods of nodes that are gone, and too many that have ended.

Models pkg/controller/podgc.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_node
from cluster.controllers.podutil import is_finished
from cluster.machinery.meta import Object, is_deleting, key_of

QUARANTINE = 40.0  # a vanished node gets this long to come back
TERMINATED_LIMIT = 12_500  # --terminated-pod-gc-threshold
SWEEP = "terminated"


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
        if event.type == "DELETED":
            self.enqueue(f"node/{event.key}", event.revision)
        else:
            self._gone_since.pop(event.key, None)

    def _on_pod(self, event: InformerEvent) -> None:
        before = event.old is not None and is_finished(event.old)
        after = event.new is not None and is_finished(event.new)
        self._ended += after - before
        if self._ended > TERMINATED_LIMIT:
            self.enqueue(SWEEP, event.revision)
        if event.new is None:
            return
        node = event.new["spec"].get("nodeName", "")
        if node and node not in self.nodes:
            self.enqueue(f"node/{node}", event.revision)
        elif not node and is_deleting(event.new):
            self.enqueue(f"pod/{event.key}", event.revision)

    def reconcile(self, key: str) -> None:
        kind, _, rest = key.partition("/")
        if kind == "node":
            self._collect_node(key, rest)
        elif kind == "pod":
            pod = self.pods.get(rest)
            if pod is not None and is_deleting(pod) and not pod["spec"].get("nodeName"):
                self._delete(pod)
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
            self._delete(pod)

    def _sweep(self) -> None:
        ended = [p for p in self.pods if is_finished(p)]
        excess = len(ended) - TERMINATED_LIMIT
        ended.sort(key=lambda p: (p["metadata"]["creationTimestamp"], key_of(p)))
        for pod in ended[: max(0, excess)]:
            self._delete(pod)

    def _delete(self, pod: Object) -> None:
        self.client.delete(pod, grace=0, on_error=lambda error: None)
