"""What would the scheduler do? Answers from a copy of the cluster; nothing is changed.

    {"kind": "WhatIf", "spec": {
        "objects":     [manifests of pods and workloads that would be created],
        "drain":       [names of nodes that would be drained],
        "addNodes":    {"count": 2, "like": "minikube-m02"},
        "howManyMore": true,      how many more pods like the first object's would fit
        "couldGo":     true}}     which nodes the others could do without

The answer is the same object with a status: placements, pending pods with their reasons, evicted
pods, howManyMore, couldGo.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.client import kinds
from cluster.machinery import errors
from cluster.machinery.errors import Cause, StatusError
from cluster.machinery.meta import Object, condition, deep_copy, name_of, with_metadata
from cluster.simulation.snapshot import Snapshot

MOST_MORE = 10_000
STEP = 100
FIELDS = frozenset(("objects", "drain", "addNodes", "howManyMore", "couldGo"))
HOST_LABEL = "kubernetes.io/hostname"
MIRROR = "kubernetes.io/config.mirror"
OWN = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
# How many pods a workload makes, and where its template is.
WORKLOADS: dict[str, tuple[str, str]] = {
    "Deployment": ("replicas", "template"),
    "ReplicaSet": ("replicas", "template"),
    "StatefulSet": ("replicas", "template"),
    "ReplicationController": ("replicas", "template"),
    "Job": ("parallelism", "template"),
}

MakeSnapshot = Callable[[], Snapshot]


def what_if(body: Object, snapshot: MakeSnapshot) -> Object:
    """`snapshot` makes a fresh copy of the present. Raises StatusError for a bad question."""
    spec = body.get("spec") or {}
    _check(spec)
    wanted = [pod for obj in spec.get("objects") or () for pod in pods_of(obj)]
    copy = snapshot()
    _add_nodes(copy, spec.get("addNodes") or {})
    before = _places(copy)
    moved = [key for name in spec.get("drain") or () for key in _drain(copy, name)]
    added = [_create(copy, pod) for pod in wanted]
    copy.schedule()
    status = _answer(copy, before, [*moved, *added])
    if spec.get("howManyMore"):
        status["howManyMore"] = _how_many_more(copy, wanted)
    if spec.get("couldGo"):
        status["couldGo"] = _could_go(snapshot)
    return {"apiVersion": "orrery.sim/v1", "kind": "WhatIf", "metadata": {}, "spec": spec,
            "status": status}  # fmt: skip


def _check(spec: Object) -> None:
    causes = [
        Cause(f"spec.{name}", "FieldValueInvalid", f'Invalid value: unknown field "{name}"')
        for name in spec
        if name not in FIELDS
    ]
    count = (spec.get("addNodes") or {}).get("count", 0)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 5000:
        text = "must be between 0 and 5000, inclusive"
        causes.append(errors.invalid_value("spec.addNodes.count", count, text))
    if not any(spec.values()):
        causes.append(errors.required("spec", f"ask with one of {', '.join(sorted(FIELDS))}"))
    if spec.get("howManyMore") and not spec.get("objects"):
        causes.append(errors.required("spec.objects", "howManyMore needs a pod to count"))
    if causes:
        raise errors.invalid("WhatIf", "orrery.sim", "", causes)


# ---- what would be there


def pods_of(obj: Object) -> list[Object]:
    """The pods that a manifest stands for. Raises StatusError for a kind that makes none."""
    kind = obj.get("kind", "")
    meta = obj.get("metadata") or {}
    namespace, name = meta.get("namespace") or "default", meta.get("name") or "what-if"
    if kind == "Pod":
        return [_pod(namespace, name, meta, obj.get("spec") or {})]
    if kind == "CronJob":
        job = (obj.get("spec") or {}).get("jobTemplate") or {}
        return pods_of({"kind": "Job", "metadata": meta, "spec": job.get("spec") or {}})
    if kind not in WORKLOADS:
        known = ", ".join(["Pod", "CronJob", *WORKLOADS])
        raise errors.bad_request(f"a {kind or 'thing without a kind'} makes no pods; try {known}")
    spec = obj.get("spec") or {}
    count_field, template_field = WORKLOADS[kind]
    count, template = spec.get(count_field), spec.get(template_field) or {}
    return [
        _pod(
            namespace, f"{name}-{index}", template.get("metadata") or {}, template.get("spec") or {}
        )
        for index in range(1 if count is None else count)
    ]


def _pod(namespace: str, name: str, meta: Object, spec: Object) -> Object:
    kept = {k: v for k, v in meta.items() if k in ("labels", "annotations")}
    metadata = {**kept, "name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deep_copy(spec)}


def _create(copy: Snapshot, pod: Object) -> str:
    """The pod's key; a name that is taken gets a suffix."""
    spec = {k: v for k, v in pod["spec"].items() if k != "nodeName"}
    meta = {k: v for k, v in pod["metadata"].items() if k not in OWN}
    try:
        made = copy.client.do_create({**pod, "metadata": meta, "spec": spec})
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise
        meta = {**meta, "generateName": f"{meta.pop('name')}-"}
        made = copy.client.do_create({**pod, "metadata": meta, "spec": spec})
    return _key(made)


def _add_nodes(copy: Snapshot, wanted: Object) -> None:
    count = wanted.get("count", 0)
    nodes = copy.client.list(kinds.NODES)
    like = next((n for n in nodes if name_of(n) == wanted.get("like")), None)
    if count and wanted.get("like") and like is None:
        raise errors.not_found("nodes", "", wanted["like"])
    if not count:
        return
    if like is None and not nodes:
        raise errors.bad_request("there is no node that a new one could be like")
    like = like or nodes[-1]
    for index in range(count):
        name = f"new-{index + 1}"
        labels = {**(like["metadata"].get("labels") or {}), HOST_LABEL: name}
        meta = {k: v for k, v in like["metadata"].items() if k not in OWN}
        spec = {k: v for k, v in (like.get("spec") or {}).items() if not k.startswith("podCIDR")}
        copy.client.create({**like, "metadata": {**meta, "name": name, "labels": labels},
                            "spec": {**spec, "unschedulable": False}})  # fmt: skip
    copy.client.flush()


def _drain(copy: Snapshot, name: str) -> list[str]:
    """Cordon it; its pods, but for DaemonSets' and static ones, are made anew elsewhere."""
    node = copy.client.get(kinds.NODES, "", name)
    copy.client.do_update({**node, "spec": {**(node.get("spec") or {}), "unschedulable": True}})
    moved = []
    for pod in copy.client.list(kinds.PODS):
        if pod["spec"].get("nodeName") != name or _stays(pod):
            continue
        copy.client.delete(pod, grace=0)
        copy.client.flush()
        bare = {k: v for k, v in pod.items() if k != "status"}
        moved.append(_create(copy, with_metadata(bare, deletionTimestamp=None)))
    return moved


def _stays(pod: Object) -> bool:
    meta = pod["metadata"]
    if MIRROR in (meta.get("annotations") or {}):
        return True
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return True
    return any(r.get("kind") == "DaemonSet" for r in meta.get("ownerReferences") or ())


# ---- what came of it


def _key(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _places(copy: Snapshot) -> dict[str, str]:
    return {_key(p): p["spec"].get("nodeName", "") for p in copy.client.list(kinds.PODS)}


def _answer(copy: Snapshot, before: dict[str, str], asked: list[str]) -> dict[str, Any]:
    pods = {_key(p): p for p in copy.client.list(kinds.PODS)}
    placements, pending = [], []
    for key in asked:
        pod = pods.get(key)
        if pod is None:
            continue
        namespace, _, name = key.partition("/")
        entry = {"namespace": namespace, "name": name}
        if pod["spec"].get("nodeName"):
            placements.append({**entry, "node": pod["spec"]["nodeName"]})
        else:
            found = condition((pod.get("status") or {}).get("conditions"), "PodScheduled") or {}
            pending.append({**entry, "message": found.get("message", "")})
    evicted = [
        {"namespace": key.partition("/")[0], "name": key.partition("/")[2], "node": node}
        for key, node in before.items()
        if node and key not in pods
    ]
    return {"placements": placements, "pending": pending, "evicted": evicted}


def _how_many_more(copy: Snapshot, wanted: list[Object]) -> int:
    """Copies of the first pod, until one stays pending."""
    fitted = 0
    template = wanted[0]
    while fitted < MOST_MORE:
        name = f"{name_of(template)}-more-{fitted}"
        batch = [_create(copy, with_metadata(template, name=f"{name}-{i}")) for i in range(STEP)]
        copy.schedule()
        places = _places(copy)
        placed = sum(bool(places.get(key)) for key in batch)
        fitted += placed
        if placed < STEP:
            break
    return fitted


def _could_go(snapshot: MakeSnapshot) -> list[str]:
    """Nodes whose pods all find another place, one after the other, the emptiest first."""
    first = snapshot()
    load: dict[str, int] = {name_of(n): 0 for n in first.client.list(kinds.NODES)}
    control = {
        name_of(n)
        for n in first.client.list(kinds.NODES)
        if "node-role.kubernetes.io/control-plane" in (n["metadata"].get("labels") or {})
    }
    for pod in first.client.list(kinds.PODS):
        node = pod["spec"].get("nodeName")
        if node in load and not _stays(pod):
            load[node] += 1
    gone: list[str] = []
    for name in sorted(load, key=lambda n: (load[n], n)):
        if name in control or len(gone) + 1 == len(load):
            continue
        copy = snapshot()
        moved = [key for each in (*gone, name) for key in _drain(copy, each)]
        copy.schedule()
        places = _places(copy)
        if all(places.get(key) for key in moved):
            gone.append(name)
    return gone
