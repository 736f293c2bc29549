"""The caches that rows are computed from, and the slim form in which they keep objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.client import Informers, Lister, Resource, kinds
from cluster.client.informer import by_controller, by_node
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object

SERVICE_LABEL = "kubernetes.io/service-name"
Row = list[Any]

WATCHED = (
    kinds.NODES,
    kinds.PODS,
    kinds.LEASES,
    kinds.FAULTS,
    kinds.REPLICA_SETS,
    kinds.DEPLOYMENTS,
    kinds.DAEMON_SETS,
    kinds.JOBS,
    kinds.SERVICES,
    kinds.ENDPOINT_SLICES,
    kinds.EVENTS,
    kinds.NAMESPACES,
    kinds.CLOCKS,
)


class World:
    """Read access to everything the page shows."""

    def __init__(self, informers: Informers) -> None:
        self._informers = informers
        for resource in WATCHED:
            informers[resource].transform = _SLIM.get(resource)
        self.pods.add_index("node", by_node)
        self.pods.add_index("controller", by_controller)
        self.slices.add_index("pod", pods_of_slice)
        self.slices.add_index("service", services_of_slice)
        self.faults.add_index("node", nodes_of_fault)

    def __getitem__(self, resource: Resource) -> Lister:
        return self._informers.lister(resource)

    @property
    def pods(self) -> Lister:
        return self[kinds.PODS]

    @property
    def nodes(self) -> Lister:
        return self[kinds.NODES]

    @property
    def slices(self) -> Lister:
        return self[kinds.ENDPOINT_SLICES]

    @property
    def faults(self) -> Lister:
        return self[kinds.FAULTS]

    def lease(self, node: str) -> Object | None:
        return self[kinds.LEASES].get(f"kube-node-lease/{node}")


def pods_of_slice(each: Object) -> Iterable[str]:
    """Keys of the pods an EndpointSlice lists."""
    out = []
    for endpoint in each.get("endpoints") or ():
        ref = endpoint.get("targetRef") or {}
        if ref.get("kind") == "Pod":
            out.append(f"{ref.get('namespace', '')}/{ref.get('name', '')}")
    return out


def services_of_slice(each: Object) -> Iterable[str]:
    name = (each["metadata"].get("labels") or {}).get(SERVICE_LABEL)
    return (f"{each['metadata'].get('namespace', '')}/{name}",) if name else ()


def nodes_of_fault(fault: Object) -> Iterable[str]:
    """Names of the nodes whose power a Fault takes."""
    spec = fault.get("spec") or {}
    target = spec.get("target") or {}
    if spec.get("type") != "NodePowerOff" or target.get("kind") != "Node":
        return ()
    return tuple(target.get("names") or ())


def seconds(stamp: str | None) -> int | None:
    """A timestamp of an object as a number for the page; None when there is none."""
    return int(parse_time(stamp)) if stamp else None


# ---- slim copies: a cache of thousands of pods keeps only what a row is made of

_POD_META = (
    "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp",
    "ownerReferences",
)  # fmt: skip
_POD_SPEC = ("nodeName", "tolerations", "readinessGates", "restartPolicy")
_CONTAINER = ("name", "image", "resources", "restartPolicy")


def _pick(source: Object, fields: Iterable[str]) -> Object:
    return {f: source[f] for f in fields if f in source}


def _slim_pod(pod: Object) -> Object:
    spec = pod.get("spec") or {}
    slim = _pick(spec, _POD_SPEC)
    for field in ("containers", "initContainers"):
        if field in spec:
            slim[field] = [_pick(c, _CONTAINER) for c in spec[field]]
    return {
        "apiVersion": pod["apiVersion"],
        "kind": pod["kind"],
        "metadata": _pick(pod["metadata"], _POD_META),
        "spec": slim,
        "status": pod.get("status") or {},
    }


def _slim_metadata(obj: Object) -> Object:
    meta = obj["metadata"]
    if "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {k: v for k, v in meta.items() if k != "managedFields"}}


def _slim_replica_set(obj: Object) -> Object:
    """Only whose it is, unless it stands alone."""
    spec = obj.get("spec") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    template = {"spec": {"containers": [_pick(c, ("name", "image")) for c in containers]}}
    return {
        **_slim_metadata(obj),
        "spec": {**_pick(spec, ("replicas", "selector")), "template": template},
    }


_SLIM = {kinds.PODS: _slim_pod, kinds.REPLICA_SETS: _slim_replica_set}
