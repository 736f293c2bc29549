"""What controllers ask of pods. Models pkg/controller/controller_utils.go and pkg/api/v1/pod."""

from __future__ import annotations

from collections.abc import Iterable
from math import log2

import orjson

from cluster.client import Client, kinds
from cluster.machinery.clock import parse_time
from cluster.machinery.entropy import SAFE_ALPHABET
from cluster.machinery.meta import (
    Object,
    annotations_of,
    condition,
    controller_of,
    is_deleting,
    is_true,
    set_condition,
)
from cluster.machinery.selectors import Selector, from_label_selector, from_map

TEMPLATE_HASH = "pod-template-hash"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def orphans(obj: Object) -> tuple[str, ...]:
    """Index of what has no controller, by namespace: candidates for adoption."""
    return () if controller_of(obj) is not None else (obj["metadata"].get("namespace", ""),)


def owner_key(obj: Object, kind: str) -> str | None:
    """The key of its controller, if that is one of `kind`."""
    meta = obj["metadata"]
    for ref in meta.get("ownerReferences") or ():
        if ref.get("controller"):
            return f"{meta['namespace']}/{ref['name']}" if ref["kind"] == kind else None
    return None


def selector_of(owner: Object) -> Selector:
    """Of a ReplicationController a plain map, of all others a LabelSelector."""
    selector = owner["spec"].get("selector")
    if owner["kind"] == "ReplicationController":
        return from_map(selector)
    return from_label_selector(selector)


def phase_of(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase", ""))


def is_finished(pod: Object) -> bool:
    return phase_of(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    return not is_finished(pod) and not is_deleting(pod)


def is_ready(pod: Object) -> bool:
    return is_true(pod.get("status", {}).get("conditions"), "Ready")


def ready_since(pod: Object) -> float:
    """When it last became ready; whoever wrote the condition may not have said."""
    found = condition(pod.get("status", {}).get("conditions"), "Ready") or {}
    return parse_time(found.get("lastTransitionTime") or pod["metadata"]["creationTimestamp"])


def available_at(pod: Object, min_ready: int) -> float | None:
    """The moment from which a ready pod counts as available; None when it is not ready."""
    if not is_ready(pod):
        return None
    return ready_since(pod) + min_ready


def from_template(template: Object, owner_ref: Object, base: str, namespace: str) -> Object:
    """A new pod for an owner. Models GetPodFromTemplate; the spec is shared, not copied."""
    meta = template.get("metadata") or {}
    out: Object = {
        "generateName": f"{base}-",
        "namespace": namespace,
        "ownerReferences": [owner_ref],
    }
    for field in ("labels", "annotations", "finalizers"):
        if meta.get(field):
            out[field] = meta[field]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": out, "spec": template["spec"]}


def _fnv32a(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def template_hash(template: Object, collisions: int = 0) -> str:
    """Models ComputeHash: a short, speakable digest of a pod template."""
    data = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
    if collisions:
        data += str(collisions).encode()
    return "".join(SAFE_ALPHABET[ord(c) % len(SAFE_ALPHABET)] for c in str(_fnv32a(data)))


def without_hash(template: Object) -> Object:
    """The template without the label that a Deployment adds."""
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != TEMPLATE_HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def deletion_rank(pod: Object, crowd: dict[str, int], now: float) -> tuple[object, ...]:
    """Pods that go first sort first. Models ActivePodsWithRanks, ages in powers of two
    (LogarithmicScaleDown), so that pods of about the same age go in random order of their UIDs.

    `crowd` counts the related active pods on each node.
    """
    node = pod["spec"].get("nodeName", "")
    ready = is_ready(pod)
    cost = annotations_of(pod).get(DELETION_COST, "0")
    restarts = sum(
        s.get("restartCount", 0) for s in pod.get("status", {}).get("containerStatuses", ())
    )
    return (
        bool(node),
        PHASES.get(phase_of(pod), 2),
        ready,
        int(cost) if cost.lstrip("-").isdigit() else 0,
        -crowd.get(node, 0),
        _age(ready_since(pod), now) if ready else 0,
        -restarts,
        _age(parse_time(pod["metadata"]["creationTimestamp"]), now),
        pod["metadata"]["uid"],
    )


def _age(since: float, now: float) -> int:
    """Models logarithmicRankDiff: the power of two of an age in nanoseconds; -1 for none."""
    nanos = (now - since) * 1e9
    return int(log2(nanos)) if nanos >= 1 else -1


def disrupt(client: Client, pod: Object, reason: str, text: str, now: float, **more: str) -> None:
    """Say in its status why a pod is taken away. Models AddPodDisruptionTarget."""
    new = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": text}

    def mark(current: Object) -> Object:
        status = current.get("status", {})
        conditions = set_condition(status.get("conditions"), new, now)
        return {**current, "status": {**status, **more, "conditions": conditions}}

    client.patch(
        kinds.PODS,
        pod["metadata"]["namespace"],
        pod["metadata"]["name"],
        mark,
        subresource="status",
        base=pod,
    )


def crowd_of(pods: Iterable[Object]) -> dict[str, int]:
    out: dict[str, int] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName", "")
        out[node] = out.get(node, 0) + 1
    return out
