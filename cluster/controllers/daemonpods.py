"""Where a daemon's pods stand, and how a new one is tied to its node.

Pure functions. Models pkg/controller/daemon/util.
"""

from __future__ import annotations

from cluster.controllers import podutil
from cluster.controllers.rollout import resolve
from cluster.machinery.meta import Object, annotations_of, labels_of, name_of

HASH = "controller-revision-hash"
GENERATION = "pod-template-generation"
GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"
TOLERATIONS: tuple[tuple[str, str], ...] = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


def by_node(pods: list[Object]) -> dict[str, list[Object]]:
    """Pods by node, the oldest first."""
    out: dict[str, list[Object]] = {}
    for pod in pods:
        out.setdefault(target_node(pod), []).append(pod)
    for each in out.values():
        each.sort(key=lambda p: (p["metadata"]["creationTimestamp"], name_of(p)))
    return out


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


def new_pod(daemon: Object, owner: Object, node: str, digest: str) -> Object:
    template = daemon["spec"]["template"]
    pod = podutil.from_template(template, owner, name_of(daemon), daemon["metadata"]["namespace"])
    meta = pod["metadata"]
    generation = annotations_of(daemon).get(GENERATION_ANNOTATION, "1")
    meta["labels"] = {**(meta.get("labels") or {}), HASH: digest, GENERATION: generation}
    pod["spec"] = pinned(pod["spec"], node)
    return pod


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


def is_current(pod: Object, digest: str) -> bool:
    return labels_of(pod).get(HASH) == digest


def is_rolling(daemon: Object) -> bool:
    return bool(daemon["spec"]["updateStrategy"]["type"] == "RollingUpdate")


def max_surge(daemon: Object, nodes: int) -> int:
    rolling = daemon["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return resolve(rolling.get("maxSurge", 0), nodes, up=True) if is_rolling(daemon) else 0


def max_unavailable(daemon: Object, nodes: int) -> int:
    """At least one, lest an update never move."""
    rolling = daemon["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return max(1, resolve(rolling.get("maxUnavailable", 1), nodes, up=True))
