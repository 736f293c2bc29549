"""A hand-made cluster for the screen's tests: objects as components would have written them."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.registry import Registry
from cluster.client import Client, kinds
from cluster.client.client import resource_of
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import VirtualClock, format_micro_time, format_time
from cluster.machinery.entropy import Entropy
from cluster.machinery.meta import Object, deep_copy

EVICTABLE = [
    {
        "key": f"node.kubernetes.io/{key}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for key in ("not-ready", "unreachable")
]


class Toy:
    """One registry on the in-memory store; `client()` is what the door hands out."""

    def __init__(self, clock: Any = None) -> None:
        self.clock = clock or VirtualClock()
        self.registry = Registry(MemoryStore(), self.clock, Entropy(1))
        self.admin = self.client("kubernetes-admin", ())
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.put(thing("v1", "Namespace", name, status={"phase": "Active"}))
            self.put(thing("v1", "ServiceAccount", "default", name))
        self.put(thing("orrery.sim/v1", "Clock", "cluster", spec={"speed": 1, "paused": False}))

    def client(self, name: str, groups: tuple[str, ...]) -> Client:
        return Client(self.registry, name, groups)

    def put(self, obj: Object) -> Object:
        """Create it, status and all."""
        status = obj.get("status")
        made = self.admin.do_create(deep_copy(obj))
        if status is not None and "status" in resource_of(made).subresources:
            made = self.admin.do_update({**made, "status": status}, subresource="status")
        return made

    def status(self, obj: Object, **fields: Any) -> Object:
        """Merge fields into the newest status of an object."""
        meta = obj["metadata"]
        resource = resource_of(obj)
        now = self.admin.get(resource, meta.get("namespace", ""), meta["name"])
        new = {**now, "status": {**(now.get("status") or {}), **fields}}
        return self.admin.do_update(new, subresource="status")

    def node(self, name: str, ip: str, control: bool = False) -> Object:
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
        if control:
            labels["node-role.kubernetes.io/control-plane"] = ""
        obj = thing("v1", "Node", name, spec={"podCIDR": "10.128.0.0/24"}, labels=labels)
        room = {"cpu": "8", "memory": "16Gi", "pods": "110"}
        obj["status"] = {
            "capacity": room,
            "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": ip}],
            "nodeInfo": {
                "kubeletVersion": "v1.35.0",
                "containerRuntimeVersion": "containerd://2.2.0",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
            },
            "conditions": self.node_conditions("True"),
        }
        self.lease(name)
        return self.put(obj)

    def node_conditions(self, ready: str) -> list[Object]:
        stamp = format_time(self.clock.now())
        reason = "KubeletReady" if ready == "True" else "NodeStatusUnknown"
        message = (
            "kubelet is posting ready status"
            if ready == "True"
            else "Kubelet stopped posting node status."
        )
        return [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", stamp),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", stamp),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", stamp),
            condition("Ready", ready, reason, stamp, message),
        ]

    def lease(self, node: str) -> Object:
        obj = thing("coordination.k8s.io/v1", "Lease", node, "kube-node-lease")
        obj["metadata"]["annotations"] = {"orrery.sim/heartbeat": "10"}
        obj["spec"] = {
            "holderIdentity": node,
            "leaseDurationSeconds": 40,
            "renewTime": format_micro_time(self.clock.now()),
        }
        return self.put(obj)

    def silence(self, node: str) -> None:
        """What the kubelet leaves behind when its node loses power."""

        def stopped(lease: Object) -> Object:
            meta = {k: v for k, v in lease["metadata"].items() if k != "annotations"}
            renewed = format_micro_time(self.clock.now())
            return {**lease, "metadata": meta, "spec": {**lease["spec"], "renewTime": renewed}}

        self.admin.do_patch(kinds.LEASES, "kube-node-lease", node, stopped)

    def lose(self, node: str) -> None:
        """What the node lifecycle controller then writes."""
        found = self.admin.get(kinds.NODES, "", node)
        self.status(found, conditions=self.node_conditions("Unknown"))
        stamp = format_time(self.clock.now())
        key = "node.kubernetes.io/unreachable"
        taints = [
            {"key": key, "effect": "NoSchedule", "timeAdded": stamp},
            {"key": key, "effect": "NoExecute", "timeAdded": stamp},
        ]
        self.admin.do_patch(
            kinds.NODES, "", node, lambda n: {**n, "spec": {**n["spec"], "taints": taints}}
        )

    def pod(self, name: str, node: str = "", **more: Any) -> Object:
        """Running and ready when it has a node; keywords: namespace, owner, labels, image, cpu."""
        obj = thing("v1", "Pod", name, more.get("namespace", "default"), labels=more.get("labels"))
        container: Object = {"name": "main", "image": more.get("image", "nginx:1.27")}
        if "cpu" in more:
            container["resources"] = {"requests": {"cpu": more["cpu"], "memory": "128Mi"}}
        obj["spec"] = {"containers": [container], "tolerations": EVICTABLE}
        if node:
            obj["spec"]["nodeName"] = node
        if owner := more.get("owner"):
            obj["metadata"]["ownerReferences"] = [reference(owner)]
        made = self.put(obj)
        return self.running(made, more.get("ip", "10.128.0.2")) if node else made

    def running(self, pod: Object, ip: str = "10.128.0.2", ready: bool = True) -> Object:
        stamp = format_time(self.clock.now())
        statuses = [
            {
                "name": "main",
                "ready": ready,
                "restartCount": 0,
                "image": pod["spec"]["containers"][0]["image"],
                "imageID": "",
                "state": {"running": {"startedAt": stamp}},
                "containerID": "containerd://" + "a" * 64,
            }
        ]
        flag = "True" if ready else "False"
        return self.status(
            pod,
            phase="Running",
            podIP=ip,
            qosClass="BestEffort",
            conditions=[
                condition("PodScheduled", "True", "", stamp),
                condition("Ready", flag, "", stamp),
            ],
            containerStatuses=statuses,
        )

    def unschedulable(self, pod: Object, message: str) -> Object:
        stamp = format_time(self.clock.now())
        return self.status(
            pod,
            phase="Pending",
            conditions=[condition("PodScheduled", "False", "Unschedulable", stamp, message)],
        )

    def deployment(self, name: str, wanted: int, **status: Any) -> Object:
        labels = {"app": name}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "nginx:1.27"}]},
        }
        spec = {
            "replicas": wanted,
            "selector": {"matchLabels": labels},
            "template": template,
        }
        obj = thing("apps/v1", "Deployment", name, "default", spec=spec, labels=labels)
        obj["status"] = status
        return self.put(obj)

    def replica_set(self, deployment: Object, suffix: str = "5d4f8c7b9") -> Object:
        meta = deployment["metadata"]
        obj = thing(
            "apps/v1", "ReplicaSet", f"{meta['name']}-{suffix}", meta["namespace"],
            spec={k: deployment["spec"][k] for k in ("replicas", "selector", "template")},
        )  # fmt: skip
        obj["metadata"]["ownerReferences"] = [reference(deployment)]
        obj["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
        return self.put(obj)

    def service(self, name: str, selector: dict[str, str], pods: list[Object] = ()) -> Object:
        spec = {"selector": selector, "ports": [{"port": 80, "protocol": "TCP"}]}
        made = self.put(thing("v1", "Service", name, "default", spec=spec))
        each = thing("discovery.k8s.io/v1", "EndpointSlice", f"{name}-x2k4p", "default")
        each["metadata"]["labels"] = {"kubernetes.io/service-name": name}
        each |= {"addressType": "IPv4", "ports": [{"port": 80, "protocol": "TCP"}]}
        each["endpoints"] = [endpoint(p) for p in pods]
        self.put(each)
        return made

    def event(self, about: Object, reason: str, message: str, kind: str = "Normal") -> Object:
        stamp = format_time(self.clock.now())
        meta = about["metadata"]
        name = f"{meta['name']}.{self.registry.store.revision():x}"
        obj = thing("v1", "Event", name, meta.get("namespace") or "default")
        involved = {
            "kind": about["kind"],
            "name": meta["name"],
            "namespace": meta.get("namespace", ""),
            "uid": meta["uid"],
        }
        obj |= {
            "involvedObject": {k: v for k, v in involved.items() if v},
            "reason": reason,
            "message": message,
            "type": kind,
            "source": {"component": "toy"},
            "count": 1,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
        }
        return self.put(obj)


def thing(
    api_version: str, kind: str, name: str, namespace: str = "", *,
    spec: Object | None = None, status: Object | None = None, labels: Object | None = None,
) -> Object:  # fmt: skip
    obj: Object = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    if namespace:
        obj["metadata"]["namespace"] = namespace
    if labels:
        obj["metadata"]["labels"] = dict(labels)
    if spec is not None:
        obj["spec"] = spec
    if status is not None:
        obj["status"] = status
    return obj


def condition(kind: str, status: str, reason: str, stamp: str, message: str = "") -> Object:
    out = {"type": kind, "status": status, "reason": reason, "lastTransitionTime": stamp}
    return {**out, "message": message} if message else out


def reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def endpoint(pod: Object) -> Object:
    meta = pod["metadata"]
    return {
        "addresses": [(pod.get("status") or {}).get("podIP", "10.128.0.2")],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"]},
    }
