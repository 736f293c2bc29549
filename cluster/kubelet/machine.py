"""A machine and the Node it registers as. Models pkg/kubelet/nodestatus and kubelet_node_status."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from zlib import crc32

from cluster.machinery import quantity
from cluster.machinery.clock import format_micro_time, format_time
from cluster.machinery.meta import Object, name_of
from cluster.runtime import Runtime
from cluster.runtime.images import preloaded

FIRST_ADDRESS = IPv4Address("192.168.49.2")
VERSION = "v1.35.0"
HEARTBEAT = "orrery.sim/heartbeat"
LEASE_SECONDS = 40
RENEW_SECONDS = 10
LEASES = "kube-node-lease"
DISK = "100Gi"


@dataclass(slots=True)
class Host:
    """What a kubelet remembers of its node. `off_since` is None while it is heard of."""

    name: str
    machine: Object
    boot: str
    off_since: float | None = None
    off_why: str = ""  # the fault; empty when it was before this process
    registered: bool = False
    images: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    cidr: str = ""
    next_address: int = 2
    cpu: int = 0  # requested by the pods it runs, in thousandths
    memory: int = 0
    pods: int = 0

    def allocate(self) -> str:
        """The next free pod address; addresses are reused as late as possible."""
        network = _network(self.cidr)
        for _ in range(network.num_addresses - 3):
            address = str(network[self.next_address])
            self.next_address += 1
            if self.next_address >= network.num_addresses - 1:
                self.next_address = 2
            if address not in self.addresses:
                self.addresses.add(address)
                return address
        return ""


_network = lru_cache(maxsize=8192)(IPv4Network)


def node_address(name: str) -> str:
    """minikube is .2, minikube-m02 .3 and so on; other names get one from their hash."""
    _, mark, number = name.rpartition("-m")
    if name == "minikube":
        offset = 0
    elif mark and number.isdigit() and name.startswith("minikube"):
        offset = int(number) - 1
    else:
        offset = 20_000 + crc32(name.encode()) % 40_000
    return str(FIRST_ADDRESS + offset)


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


def _uuid(text: str) -> str:
    h = _hex(text)
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def labels(host: Host) -> dict[str, str]:
    spec = host.machine["spec"]
    out = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": host.name,
        "kubernetes.io/os": "linux",
    }
    if spec["role"] == "control-plane":
        out["minikube.k8s.io/name"] = "minikube"
        out["minikube.k8s.io/primary"] = "true"
        out["node-role.kubernetes.io/control-plane"] = ""
        out["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
    if zone := spec.get("zone"):
        out["topology.kubernetes.io/zone"] = zone
        out["topology.kubernetes.io/region"] = zone.rpartition("-")[0] or zone
    return {**out, **(spec.get("labels") or {})}


def new_node(host: Host, runtime: Runtime, now: float) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": host.name,
            "labels": labels(host),
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {},
        "status": status(host, runtime, now, None),
    }


CONDITIONS = (
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def status(host: Host, runtime: Runtime, now: float, old: Object | None) -> Object:
    """Everything a kubelet reports of a healthy node; transition times are kept from `old`."""
    spec = host.machine["spec"]
    amounts = {
        "cpu": quantity.canonical(spec["cpu"]),
        "ephemeral-storage": DISK,
        "hugepages-2Mi": "0",
        "memory": quantity.canonical(spec["memory"]),
        "pods": str(spec["pods"]),
    }
    before = {c["type"]: c for c in (old or {}).get("conditions", ())}
    return {
        "addresses": [
            {"type": "InternalIP", "address": node_address(host.name)},
            {"type": "Hostname", "address": host.name},
        ],
        "allocatable": amounts,
        "capacity": amounts,
        "conditions": [_condition(row, before.get(row[0]), now) for row in CONDITIONS],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": [
            {"names": [f"{i.repository}@sha256:{i.digest}", i.name], "sizeBytes": i.size}
            for i in preloaded(spec["role"])
        ],
        "nodeInfo": node_info(host, runtime),
    }


def _condition(row: tuple[str, str, str, str], old: Object | None, now: float) -> Object:
    kind, value, reason, message = row
    stamp = format_time(now)
    same = old is not None and old["status"] == value
    return {
        "type": kind,
        "status": value,
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": old["lastTransitionTime"] if same and old else stamp,
        "reason": reason,
        "message": message,
    }


def node_info(host: Host, runtime: Runtime) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "bootID": host.boot,
        "containerRuntimeVersion": runtime.runtime_version,
        "kernelVersion": "6.12.48",
        "kubeProxyVersion": "",
        "kubeletVersion": VERSION,
        "machineID": _hex(f"machine {host.name}"),
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "swap": {"capacity": 0},
        "systemUUID": _uuid(f"system {host.name}"),
    }


def new_lease(node: Object, now: float) -> Object:
    """A live lease: it is renewed every ten seconds without being written, see HEARTBEAT."""
    name = name_of(node)
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": LEASES,
            "annotations": {HEARTBEAT: str(RENEW_SECONDS)},
            "ownerReferences": [owner],
        },
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": format_micro_time(now),
        },
    }
