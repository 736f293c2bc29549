"""A scheduler over the in-memory store and a virtual clock, with short builders for objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster import scheduler
from cluster.apiserver.registry import Registry
from cluster.client import Client, Env, Informers, kinds
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object, condition
from cluster.scheduler import Scheduler

GI = 1024**3


def node(
    name: str,
    cpu: str = "8",
    memory: str = "16Gi",
    pods: int = 110,
    *,
    labels: dict[str, str] | None = None,
    taints: list[Object] | None = None,
    unschedulable: bool = False,
    images: dict[str, int] | None = None,
    more: dict[str, str] | None = None,
) -> Object:
    have = {"cpu": cpu, "memory": memory, "pods": str(pods), **(more or {})}
    spec: Object = {}
    if taints:
        spec["taints"] = taints
    if unschedulable:
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": spec,
        "status": {
            "capacity": have,
            "allocatable": have,
            "images": [{"names": [n], "sizeBytes": s} for n, s in (images or {}).items()],
        },
    }


def pod(
    name: str,
    cpu: str | None = None,
    memory: str | None = None,
    *,
    namespace: str = "default",
    labels: dict[str, str] | None = None,
    image: str = "registry.k8s.io/pause:3.10",
    ports: list[Object] | None = None,
    requests: dict[str, str] | None = None,
    owner: Object | None = None,
    **spec: Any,
) -> Object:
    wanted = dict(requests or {})
    if cpu is not None:
        wanted["cpu"] = cpu
    if memory is not None:
        wanted["memory"] = memory
    container: Object = {"name": "main", "image": image, "resources": {}}
    if wanted:
        bounded = {k: v for k, v in wanted.items() if "/" in k}  # nobody overcommits these
        container["resources"] = {"requests": wanted, **({"limits": bounded} if bounded else {})}
    if ports:
        container["ports"] = ports
    meta: Object = {"name": name, "namespace": namespace, "labels": labels or {}}
    if owner is not None:
        meta["ownerReferences"] = [owner]
    body = {"schedulerName": "default-scheduler", "containers": [container], **spec}
    body.setdefault("priority", 0)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body}


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Object:
    return {"key": key, "value": value, "effect": effect}


class Harness:
    """`user` writes objects, `settle` lets the scheduler work until it is quiet."""

    def __init__(self, config: Mapping[str, Any] | None = None, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.registry = Registry(MemoryStore(), self.clock, Entropy(seed))
        self.user = Client(self.registry, "user")
        self.namespace("default")
        client = Client(self.registry, "system:kube-scheduler")
        self.env = Env(client, Informers(self.registry), self.clock, Entropy(seed))
        self.component = scheduler.build(self.env, config)
        (part,) = self.component.parts
        assert isinstance(part, Scheduler)
        self.scheduler = part

    def namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        meta = {"name": name, "labels": labels or {}}
        self.user.do_create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        account = {"name": "default", "namespace": name}
        self.user.do_create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})

    def add(self, *objects: Object) -> None:
        """Creates; the status of nodes and pods too, which a create drops."""
        for obj in objects:
            status, spec = obj.get("status"), obj.get("spec") or {}
            bound = spec.pop("nodeName", "") if obj["kind"] == "Pod" else ""
            stored = self.user.do_create(obj)
            if obj["kind"] == "Node":  # as if its controller had found it ready
                stored = self.user.do_update({**stored, "spec": spec})
            if bound:
                self.user.bind(stored, bound)
                self.user.flush()
                stored = self.user.get(kinds.PODS, *_where(stored))
            if status:
                self.user.do_update({**stored, "status": status}, subresource="status")

    def settle(self) -> float | None:
        return self.component.run(self.clock.now())

    def advance(self, seconds: float) -> None:
        """Let time pass, with the scheduler running whenever it has something to do."""
        end = self.clock.now() + seconds
        while (deadline := self.settle()) is not None and deadline <= end:
            self.clock.advance_to(deadline)
        self.clock.advance_to(end)
        self.settle()

    def get(self, name: str, namespace: str = "default") -> Object:
        return self.user.get(kinds.PODS, namespace, name)

    def where(self, name: str, namespace: str = "default") -> str:
        """The node a pod is bound to; empty while it is pending."""
        found: str = self.get(name, namespace)["spec"].get("nodeName", "")
        return found

    def why(self, name: str) -> str:
        """The message of a pod's PodScheduled condition."""
        status = self.get(name).get("status") or {}
        found = condition(status.get("conditions"), "PodScheduled")
        return "" if found is None else found.get("message", "")

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of the events about a pod."""
        return [
            (e["reason"], e["message"])
            for e in self.user.list(kinds.EVENTS)
            if e["involvedObject"]["name"] == name
        ]

    def change_node(self, name: str, **spec: Any) -> None:
        stored = self.user.get(kinds.NODES, "", name)
        self.user.do_update({**stored, "spec": {**stored.get("spec", {}), **spec}})

    def delete_pod(self, name: str) -> None:
        from cluster.client import Options

        self.user.do_delete(kinds.PODS, "default", name, Options(grace=0))


def _where(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]
