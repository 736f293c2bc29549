"""What controllers ask of pods. Models pkg/controller/controller_utils.go and pkg/api/v1/pod."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from cluster.machinery.clock import parse_time
from cluster.machinery.entropy import SAFE_ALPHABET
from cluster.machinery.meta import Object, condition, is_deleting, is_true

TEMPLATE_HASH = "pod-template-hash"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def phase_of(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase", ""))


def is_finished(pod: Object) -> bool:
    return phase_of(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    return not is_finished(pod) and not is_deleting(pod)


def is_ready(pod: Object) -> bool:
    return is_true(pod.get("status", {}).get("conditions"), "Ready")


def ready_since(pod: Object) -> float:
    """When it last became ready; it must be ready."""
    found = condition(pod.get("status", {}).get("conditions"), "Ready")
    assert found is not None
    return parse_time(found["lastTransitionTime"])


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


def deletion_rank(pod: Object, crowd: dict[str, int]) -> tuple[object, ...]:
    """Pods that go first sort first. Models ActivePodsWithRanks.

    `crowd` counts the owner's active pods on each node.
    """
    node = pod["spec"].get("nodeName", "")
    order = {"Pending": 0, "Unknown": 1, "Running": 2}
    ready = is_ready(pod)
    cost = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    restarts = sum(
        s.get("restartCount", 0) for s in pod.get("status", {}).get("containerStatuses", ())
    )
    return (
        bool(node),
        order.get(phase_of(pod), 2),
        ready,
        int(cost) if cost.lstrip("-").isdigit() else 0,
        -crowd.get(node, 0),
        -ready_since(pod) if ready else 0,
        -restarts,
        -parse_time(pod["metadata"]["creationTimestamp"]),
        pod["metadata"]["name"],
    )


def crowd_of(pods: Iterable[Object]) -> dict[str, int]:
    out: dict[str, int] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName", "")
        out[node] = out.get(node, 0) + 1
    return out
