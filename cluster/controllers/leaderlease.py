"""Leases of the control plane's elected leaders in kube-system.

There is one of each component, so nobody competes; but whoever looks finds the leases that a real
one holds, renewed like a node's (without being written). A new process takes over.
Models k8s.io/client-go/tools/leaderelection.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.clock import format_micro_time
from cluster.machinery.meta import Object, annotations_of

NAMESPACE = "kube-system"
COMPONENTS = ("kube-controller-manager", "kube-scheduler")
HEARTBEAT = "orrery.sim/heartbeat"
RETRY_PERIOD, DURATION = 2, 15  # --leader-elect-retry-period, --leader-elect-lease-duration


class LeaderLeases(Controller):
    name = "orrery-leader-leases"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.leases = env.informers.lister(kinds.LEASES)
        self.namespaces = env.informers.lister(kinds.NAMESPACES)
        self._identity = f"minikube_{env.entropy.uid()}"
        self._taken: set[str] = set()
        env.informers[kinds.NAMESPACES].add_handler(self._on_namespace)

    def _on_namespace(self, event: InformerEvent) -> None:
        if event.key == NAMESPACE and event.type == "ADDED":
            for component in COMPONENTS:
                self.enqueue(component, event.revision)

    def reconcile(self, key: str) -> None:
        if key in self._taken or NAMESPACE not in self.namespaces:
            return
        self._taken.add(key)
        have = self.leases.get(f"{NAMESPACE}/{key}")
        now = format_micro_time(self.clock.now())
        before = (have or {}).get("spec") or {}
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions", -1) + 1,
        }
        if have is None:
            self.client.create(_new(key, spec), on_done=lambda lease: self._tell(key, lease))
            return
        annotations = {**annotations_of(have), HEARTBEAT: str(RETRY_PERIOD)}
        meta = {**have["metadata"], "annotations": annotations}
        self.client.update({**have, "metadata": meta, "spec": spec}, base=have)
        self._tell(key, have)

    def _tell(self, component: str, lease: Object) -> None:
        recorder = self.env.recorder(component)
        text = f"{self._identity} became leader"
        recorder.event(lease, "Normal", "LeaderElection", text)


def _new(component: str, spec: Object) -> Object:
    meta = {"name": component, "namespace": NAMESPACE}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {**meta, "annotations": {HEARTBEAT: str(RETRY_PERIOD)}},
        "spec": spec,
    }
