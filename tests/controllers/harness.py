"""Controllers over the in-memory store and a virtual clock; the tests play scheduler and kubelet.

cluster = Harness("deployment-controller", "replicaset-controller")
cluster.add(deployment("web", 3))
cluster.run_pods()              # what is pending is bound and becomes ready
cluster.advance(10)             # time passes, timers fire
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster import controllers
from cluster.apiserver.registry import Registry
from cluster.client import Client, Env, Informers, Options, Resource, kinds
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock, format_time
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object, is_deleting, name_of, set_condition

PAUSE = "registry.k8s.io/pause:3.10"


class PodBuilder:
    """`pod("web").on("n1").ready()`; `.object` is what the harness adds."""

    def __init__(self, name: str, namespace: str = "default") -> None:
        self.meta: Object = {"name": name, "namespace": namespace, "labels": {}}
        self.spec: Object = {"containers": [{"name": "main", "image": PAUSE}]}
        self.status: Object = {}
        self.is_ready = False

    def labelled(self, **labels: str) -> PodBuilder:
        self.meta["labels"] = labels
        return self

    def annotated(self, annotations: dict[str, str]) -> PodBuilder:
        self.meta["annotations"] = annotations
        return self

    def owned_by(self, owner: Object, controller: bool = True, block: bool = True) -> PodBuilder:
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": name_of(owner),
            "uid": owner["metadata"]["uid"],
            "controller": controller,
            "blockOwnerDeletion": block,
        }
        self.meta.setdefault("ownerReferences", []).append(reference)
        return self

    def held_by(self, finalizer: str) -> PodBuilder:
        self.meta["finalizers"] = [finalizer]
        return self

    def on(self, node: str) -> PodBuilder:
        self.spec["nodeName"] = node
        return self

    def with_port(self, number: int, name: str = "") -> PodBuilder:
        self.spec["containers"][0]["ports"] = [{"containerPort": number, "name": name}]
        return self

    def tolerating(self, *tolerations: Object) -> PodBuilder:
        self.spec["tolerations"] = list(tolerations)
        return self

    def at(self, address: str) -> PodBuilder:
        self.status["podIP"] = address
        return self

    def phase(self, phase: str) -> PodBuilder:
        self.status["phase"] = phase
        return self

    def ready(self) -> PodBuilder:
        self.is_ready = True
        return self.phase("Running")

    @property
    def object(self) -> Object:
        body = {"metadata": self.meta, "spec": self.spec, "status": self.status}
        return {"apiVersion": "v1", "kind": "Pod", **body}


pod = PodBuilder


def node(name: str, ready: str = "True", taints: list[Object] | None = None) -> Object:
    conditions = [
        {"type": kind, "status": "False"}
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {"taints": taints} if taints else {},
        "status": {"conditions": [*conditions, {"type": "Ready", "status": ready}]},
    }


def template(labels: dict[str, str], image: str = PAUSE, **spec: Any) -> Object:
    containers = [{"name": "main", "image": image}]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}


def workload(kind: str, name: str, image: str = PAUSE, **spec: Any) -> Object:
    labels = {"app": name}
    body = {"selector": {"matchLabels": labels}, "template": template(labels, image), **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": body}


def replica_set(name: str, replicas: int, **spec: Any) -> Object:
    return workload("ReplicaSet", name, replicas=replicas, **spec)


def deployment(name: str, replicas: int, **spec: Any) -> Object:
    return workload("Deployment", name, replicas=replicas, **spec)


def daemon_set(name: str, **spec: Any) -> Object:
    return workload("DaemonSet", name, **spec)


def job(name: str, **spec: Any) -> Object:
    body = {"template": template({}, restartPolicy="Never"), **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": body}


def service(name: str, port: int | str = 80, **spec: Any) -> Object:
    ports = [{"port": 80, "targetPort": port}]
    body = {"selector": {"app": name}, "ports": ports, **spec}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body}


def simple(kind: str, name: str, api: str = "v1", namespace: str = "", **meta: Any) -> Object:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where, **meta}}


class Harness:
    def __init__(self, *names: str, root_ca: str = "", **keys: Any) -> None:
        self.clock = VirtualClock()
        self.registry = Registry(MemoryStore(), self.clock, Entropy(1))
        self.user = Client(self.registry, "user")
        self.add(simple("Namespace", "default"))
        self.add(simple("ServiceAccount", "default", namespace="default"))
        self.names, self.root_ca, self.keys = names, root_ca, keys
        self.restart()

    def restart(self) -> None:
        """A new process: nothing but the store is remembered."""
        client = Client(self.registry, "system:kube-controller-manager")
        env = Env(client, Informers(self.registry), self.clock, Entropy(2))
        self.component = controllers.build(
            env, ",".join(self.names) or "*", self.root_ca, **self.keys
        )
        self.settle()

    # ---- time

    @property
    def now(self) -> float:
        return self.clock.now()

    def settle(self) -> float | None:
        return self.component.run(self.clock.now())

    def advance(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while (deadline := self.settle()) is not None and deadline <= end:
            self.clock.advance_to(deadline)
        self.clock.advance_to(end)
        self.settle()

    # ---- the user

    def add(self, *things: Object | PodBuilder) -> Object:
        """Create them, with bindings and status; returns the last as stored."""
        stored: Object = {}
        for thing in things:
            stored = self._add(thing)
        if hasattr(self, "component"):
            self.settle()
        return stored

    def _add(self, thing: Object | PodBuilder) -> Object:
        if not isinstance(thing, PodBuilder):
            return self._with_status(thing)
        builder = thing
        bound = builder.spec.pop("nodeName", "")
        stored = self.user.do_create(builder.object)
        if bound:
            self.user.bind(stored, bound)
            self.user.flush()
            stored = self._pod(name_of(stored), stored["metadata"]["namespace"])
        if builder.status:
            stored = self.set_status(stored, **builder.status)
        return self.make_ready(stored) if builder.is_ready else stored

    def _with_status(self, obj: Object) -> Object:
        stored = self.user.do_create(obj)
        return self.set_status(stored, **obj["status"]) if obj.get("status") else stored

    def get(self, resource: Resource, name: str, namespace: str = "default") -> Object:
        return self.user.get(resource, namespace if resource.namespaced else "", name)

    def exists(self, resource: Resource, name: str, namespace: str = "default") -> bool:
        where = namespace if resource.namespaced else ""
        return self.registry.find(resource, where, name) is not None

    def change(
        self, resource: Resource, name: str, transform: Callable[[Object], Object],
        subresource: str = "",
    ) -> None:  # fmt: skip
        where = "default" if resource.namespaced else ""
        self.user.do_patch(resource, where, name, transform, subresource=subresource)
        self.settle()

    def set_spec(self, resource: Resource, name: str, **changes: Any) -> None:
        self.change(resource, name, lambda o: {**o, "spec": {**o["spec"], **changes}})

    def delete(
        self, resource: Resource, name: str, namespace: str = "default", **options: Any
    ) -> None:
        where = namespace if resource.namespaced else ""
        self.user.do_delete(resource, where, name, Options(**options))
        self.settle()

    # ---- the kubelets

    def pods(self, namespace: str = "default", **labels: str) -> list[Object]:
        found = self.user.list(kinds.PODS, namespace)
        return [p for p in found if labels.items() <= (p["metadata"].get("labels") or {}).items()]

    def living(self, **labels: str) -> list[Object]:
        ended = ("Succeeded", "Failed")
        return [
            p for p in self.pods(**labels)
            if not is_deleting(p) and p["status"].get("phase") not in ended
        ]  # fmt: skip

    def _pod(self, name: str, namespace: str = "default") -> Object:
        return self.user.get(kinds.PODS, namespace, name)

    def set_status(self, obj: Object, **changes: Any) -> Object:
        status = {**obj.get("status", {}), **changes}
        return self.user.do_update({**obj, "status": status}, subresource="status")

    def make_ready(self, obj: Object, value: str = "True") -> Object:
        new = {"type": "Ready", "status": value}
        conditions = set_condition(obj["status"].get("conditions"), new, self.now)
        return self.set_status(obj, conditions=conditions)

    def bind(self, name: str, node: str) -> None:
        self.user.bind(self._pod(name), node)
        self.user.flush()

    def run_pods(self, count: int | None = None, **labels: str) -> None:
        """Bind what is pending to n1 (or to its daemon's node), start it, make it ready."""
        waiting = [p for p in self.living(**labels) if p["status"]["phase"] == "Pending"]
        for each in waiting[:count]:
            if not each["spec"].get("nodeName"):
                self.bind(name_of(each), _wanted_node(each))
            bound = self._pod(name_of(each))
            self.make_ready(self.set_status(bound, phase="Running"))
        self.settle()

    def end(self, obj: Object, phase: str = "Succeeded") -> None:
        """Its containers have ended by themselves."""
        current = self._pod(name_of(obj))
        stamp = format_time(self.now)
        ended = {"name": "main", "state": {"terminated": {"finishedAt": stamp}}}
        stored = self.set_status(current, phase=phase, containerStatuses=[ended])
        self.make_ready(stored, "False")
        self.settle()

    def finish_deletions(self, **labels: str) -> None:
        """The kubelets confirm that deleted pods have stopped."""
        for each in self.pods(**labels):
            if is_deleting(each):
                self.user.do_delete(
                    kinds.PODS, each["metadata"]["namespace"], name_of(each), Options(grace=0)
                )
        self.settle()

    # ---- what is seen

    def events(self, reason: str = "", about: str = "") -> list[str]:
        """`reason: message` of Events, in the order in which they were written."""
        written = sorted(self.user.list(kinds.EVENTS), key=_moment)
        return [
            f"{e['reason']}: {e['message']}"
            for e in written
            if reason in ("", e["reason"]) and about in ("", e["involvedObject"]["name"])
        ]

    def conditions(self, resource: Resource, name: str) -> dict[str, tuple[str, str]]:
        status = self.get(resource, name).get("status", {})
        return {c["type"]: (c["status"], c.get("reason", "")) for c in status.get("conditions", ())}


def _moment(event: Object) -> int:
    """An Event's name ends in its nanosecond."""
    return int(event["metadata"]["name"].rpartition(".")[2], 16)


def _wanted_node(obj: Object) -> str:
    affinity = (obj["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            return str(field["values"][0])
    return "n1"
