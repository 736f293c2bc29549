"""taint-eviction: pods leave a NoExecute node when their toleration of it has run out.

Keys are pods on tainted nodes. Models pkg/controller/tainteviction.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_node
from cluster.controllers import podutil
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object, is_deleting, key_of, name_of, namespace_of


class TaintEvictionController(Controller):
    name = "taint-eviction-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.nodes = env.informers.lister(kinds.NODES)
        self.pods = env.informers.lister(kinds.PODS)
        self.pods.add_index("node", by_node)
        self._tainted: set[str] = set()  # nodes with a NoExecute taint
        self._due: dict[str, float] = {}  # pod -> the moment it is to go
        env.informers[kinds.NODES].add_handler(self._on_node)
        env.informers[kinds.PODS].add_handler(self._on_pod)

    def _on_node(self, event: InformerEvent) -> None:
        before = no_execute(event.old) if event.old is not None else []
        after = no_execute(event.new) if event.new is not None else []
        if after:
            self._tainted.add(event.key)
        else:
            self._tainted.discard(event.key)
        if before != after:
            for pod in self.pods.by_index("node", event.key):
                self.enqueue(key_of(pod), event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        if not self._tainted and not self._due:
            return
        if event.key in self._due or event.obj["spec"].get("nodeName") in self._tainted:
            self.enqueue(event.key, event.revision)

    def reconcile(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is None or is_deleting(pod):
            self._due.pop(key, None)
            return
        node = self.nodes.get(pod["spec"].get("nodeName", ""))
        due = _leaves_at(pod, no_execute(node)) if node is not None else None
        if due is None:
            if self._due.pop(key, None) is not None:
                text = f"Cancelling deletion of Pod {key}"
                self.recorder.event(pod, "Normal", "TaintManagerEviction", text)
            return
        self._due[key] = due
        if self.clock.now() < due:
            self.queue.add_at(key, due)
            return
        del self._due[key]
        text = f"Marking for deletion Pod {namespace_of(pod)}/{name_of(pod)}"
        self.recorder.event(pod, "Normal", "TaintManagerEviction", text)
        podutil.disrupt(
            self.client,
            pod,
            "DeletionByTaintManager",
            "Taint manager: deleting due to NoExecute taint",
            self.clock.now(),
        )
        self.client.delete(pod)


def no_execute(node: Object) -> list[Object]:
    return [t for t in node["spec"].get("taints") or () if t["effect"] == "NoExecute"]


def tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if (toleration.get("operator") or "Equal") == "Exists":
        return True
    return bool(toleration.get("value", "") == taint.get("value", ""))


def _leaves_at(pod: Object, taints: list[Object]) -> float | None:
    """None: stays for ever. Models getMinTolerationTime over all taints."""
    tolerations = pod["spec"].get("tolerations") or ()
    moments: list[float] = []
    for taint in taints:
        used = [t for t in tolerations if tolerates(t, taint)]
        added = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else 0.0
        if not used:
            return added
        bounded = [t["tolerationSeconds"] for t in used if t.get("tolerationSeconds") is not None]
        if bounded:
            moments.append(added + max(0, min(bounded)))
    return min(moments, default=None)
