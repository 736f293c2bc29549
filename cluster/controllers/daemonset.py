"""daemonset: one pod on every node that it fits. Models pkg/controller/daemon.

The pods are bound by the scheduler, to the one node their affinity names.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.client.informer import by_controller
from cluster.controllers import podutil, revisions
from cluster.controllers.nodefit import node_should_run
from cluster.controllers.rollout import resolve
from cluster.machinery.meta import (
    Object,
    controller_of,
    controller_ref,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from cluster.machinery.selectors import from_label_selector

BURST = 250
HASH = "controller-revision-hash"
GENERATION = "pod-template-generation"
TOLERATIONS: tuple[tuple[str, str], ...] = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


class DaemonSetController(Controller):
    name = "daemonset-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.sets = env.informers.lister(kinds.DAEMON_SETS)
        self.nodes = env.informers.lister(kinds.NODES)
        self.pods = env.informers.lister(kinds.PODS)
        self.pods.add_index("controller", by_controller)
        self.revisions = env.informers.lister(kinds.CONTROLLER_REVISIONS)
        self.revisions.add_index("controller", by_controller)
        env.informers[kinds.DAEMON_SETS].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.NODES].add_handler(self._on_node)
        env.informers[kinds.PODS].add_handler(self._on_pod)
        env.informers[kinds.CONTROLLER_REVISIONS].add_handler(self._on_pod)

    def _on_node(self, event: InformerEvent) -> None:
        if event.old is not None and event.new is not None and _same_node(event.old, event.new):
            return
        for found in self.sets:
            self.enqueue(f"{namespace_of(found)}/{name_of(found)}", event.revision)

    def _on_pod(self, event: InformerEvent) -> None:
        ref = controller_of(event.obj)
        if ref is not None and ref["kind"] == "DaemonSet":
            self.enqueue(f"{namespace_of(event.obj)}/{ref['name']}", event.revision)

    def reconcile(self, key: str) -> None:
        found = self.sets.get(key)
        if found is None or is_deleting(found):
            return
        selector = found["spec"]["selector"]
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            text = "This daemon set is selecting all pods. A non-empty selector is required."
            self.recorder.event(found, "Warning", "SelectingAll", text)
            return
        own = self.revisions.by_index("controller", uid_of(found))
        current = revisions.current(found, own)
        if current is None:
            self.client.create(revisions.new(found, own))
            return  # its event makes the key dirty again
        digest = current["metadata"]["labels"][HASH]
        by_node = self._by_node(found)
        if not self._manage(found, by_node, digest):
            self._update(key, found, by_node, digest)
        revisions.truncate(self.client, found, own, self._live_hashes(by_node), current)
        self._report(key, found, by_node, digest)

    def _by_node(self, found: Object) -> dict[str, list[Object]]:
        selector = from_label_selector(found["spec"]["selector"])
        out: dict[str, list[Object]] = {}
        for pod in self.pods.by_index("controller", uid_of(found)):
            if selector.matches(labels_of(pod)):
                out.setdefault(target_node(pod), []).append(pod)
        return out

    @staticmethod
    def _live_hashes(by_node: dict[str, list[Object]]) -> set[str]:
        return {labels_of(p).get(HASH, "") for pods in by_node.values() for p in pods}

    def _manage(self, found: Object, by_node: dict[str, list[Object]], digest: str) -> bool:
        """Pods where there should be one and none is; none where there should not."""
        missing: list[str] = []
        surplus: list[Object] = []
        for node in self.nodes:
            pods = by_node.get(name_of(node), [])
            run, keep = node_should_run(found, node)
            if run and not pods:
                missing.append(name_of(node))
            elif keep:
                surplus += self._replace(found, pods)
            elif not run:
                surplus += [p for p in pods if not is_deleting(p)]
        for name in by_node:
            if name not in self.nodes:
                surplus += [p for p in by_node[name] if not is_deleting(p)]
        for name in missing[:BURST]:
            self._create(found, name, digest)
        for pod in surplus[:BURST]:
            self._delete(found, pod)
        return bool(missing or surplus)

    def _replace(self, found: Object, pods: list[Object]) -> list[Object]:
        """Failed pods are replaced; of several living ones the oldest stays."""
        failed = [p for p in pods if podutil.phase_of(p) == "Failed" and not is_deleting(p)]
        for pod in failed:
            text = f"Found failed daemon pod {namespace_of(pod)}/{name_of(pod)} on node {target_node(pod)}, will try to kill it"
            self.recorder.event(found, "Warning", "FailedDaemonPod", text)
        living = [p for p in pods if podutil.is_active(p)]
        if found["spec"]["updateStrategy"]["type"] == "RollingUpdate" and _surge(found, 1):
            return failed
        living.sort(key=lambda p: (p["metadata"]["creationTimestamp"], name_of(p)))
        return failed + living[1:]

    def _create(self, found: Object, node: str, digest: str) -> None:
        owner = controller_ref(found)
        pod = podutil.from_template(
            found["spec"]["template"], owner, name_of(found), namespace_of(found)
        )
        generation = str(found["metadata"].get("generation", 1))
        labels = {**(pod["metadata"].get("labels") or {}), HASH: digest, GENERATION: generation}
        pod["metadata"]["labels"] = labels
        pod["spec"] = pinned(pod["spec"], node)
        self.client.create(
            pod,
            on_done=lambda made: self.recorder.event(
                found, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}"
            ),
        )

    def _delete(self, found: Object, pod: Object) -> None:
        self.client.delete(pod)
        text = f"Deleted pod: {name_of(pod)}"
        self.recorder.event(found, "Normal", "SuccessfulDelete", text)

    def _update(
        self, key: str, found: Object, by_node: dict[str, list[Object]], digest: str
    ) -> None:
        """Old pods go, maxUnavailable at a time. Models rollingUpdate."""
        if found["spec"]["updateStrategy"]["type"] != "RollingUpdate":
            return None
        desired = [n for n in self.nodes if node_should_run(found, n)[0]]
        if _surge(found, len(desired)):
            return self._surging(found, by_node, digest, _surge(found, len(desired)))
        limit = _unavailable(found, len(desired))
        now, min_ready = self.clock.now(), found["spec"].get("minReadySeconds", 0)
        down, old = 0, []
        for node in desired:
            living = [p for p in by_node.get(name_of(node), []) if podutil.is_active(p)]
            at = podutil.available_at(living[0], min_ready) if living else None
            available = at is not None and at <= now
            down += not available
            if living and labels_of(living[0]).get(HASH) != digest:
                old.append((available, living[0]))
        for available, pod in sorted(old, key=lambda pair: pair[0]):
            if not available:
                self._delete(found, pod)
            elif down < limit:
                down += 1
                self._delete(found, pod)
        return None

    def _surging(
        self, found: Object, by_node: dict[str, list[Object]], digest: str, limit: int
    ) -> None:
        """New pods beside old ones, maxSurge at a time; an old one goes when its new one is up."""
        now, min_ready = self.clock.now(), found["spec"].get("minReadySeconds", 0)
        surging, waiting = 0, []
        for node, pods in by_node.items():
            living = [p for p in pods if podutil.is_active(p)]
            new = [p for p in living if labels_of(p).get(HASH) == digest]
            old = [p for p in living if labels_of(p).get(HASH) != digest]
            if not old:
                continue
            if not new:
                waiting.append(node)
                continue
            at = podutil.available_at(new[0], min_ready)
            if at is not None and at <= now:
                for pod in old:
                    self._delete(found, pod)
            else:
                surging += 1
        for node in waiting[: max(0, limit - surging)]:
            self._create(found, node, digest)

    def _report(
        self, key: str, found: Object, by_node: dict[str, list[Object]], digest: str
    ) -> None:
        now, min_ready = self.clock.now(), found["spec"].get("minReadySeconds", 0)
        desired = current = misscheduled = ready = available = updated = 0
        for node in self.nodes:
            run, _ = node_should_run(found, node)
            pods = [p for p in by_node.get(name_of(node), []) if not podutil.is_finished(p)]
            if not run:
                misscheduled += bool(pods)
                continue
            desired += 1
            if not pods:
                continue
            current += 1
            oldest = min(pods, key=lambda p: p["metadata"]["creationTimestamp"])
            updated += labels_of(oldest).get(HASH) == digest
            at = podutil.available_at(oldest, min_ready)
            if at is not None:
                ready += 1
                available += at <= now
                if at > now:
                    self.queue.add_at(key, at)
        status = {
            "currentNumberScheduled": current,
            "numberMisscheduled": misscheduled,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            "observedGeneration": found["metadata"].get("generation", 1),
            **{
                k: v
                for k, v in (
                    ("updatedNumberScheduled", updated),
                    ("numberAvailable", available),
                    ("numberUnavailable", desired - available),
                )
                if v
            },
        }
        if status != found.get("status"):
            self.client.update_status({**found, "status": status}, base=found)


def _same_node(old: Object, new: Object) -> bool:
    return (
        old["metadata"].get("labels") == new["metadata"].get("labels")
        and old["spec"] == new["spec"]
    )


def target_node(pod: Object) -> str:
    """Where it is, or the one node its affinity lets it be. Models GetTargetNodeName."""
    if name := pod["spec"].get("nodeName"):
        return str(name)
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("values"):
                return str(field["values"][0])
    return ""


def pinned(spec: Object, node: str) -> Object:
    """Models ReplaceDaemonSetPodNodeNameNodeAffinity and AddOrUpdateDaemonPodTolerations."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    affinity = dict(spec.get("affinity") or {})
    nodes = dict(affinity.get("nodeAffinity") or {})
    nodes["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [term]}
    affinity["nodeAffinity"] = nodes
    wanted = [*TOLERATIONS, NETWORK] if spec.get("hostNetwork") else TOLERATIONS
    own = spec.get("tolerations") or []
    extra = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    return {
        **spec,
        "affinity": affinity,
        "tolerations": [*own, *(t for t in extra if t not in own)],
    }


def _surge(found: Object, nodes: int) -> int:
    rolling = found["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return resolve(rolling.get("maxSurge", 0), nodes, up=True)


def _unavailable(found: Object, nodes: int) -> int:
    rolling = found["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return max(1, resolve(rolling.get("maxUnavailable", 1), nodes, up=True))
