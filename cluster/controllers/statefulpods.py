"""Who a StatefulSet's pods are: their names, labels, host names and volumes.

Pure functions. Models pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

from typing import Any

from cluster.controllers import podutil
from cluster.controllers.rollout import resolve
from cluster.machinery.meta import Object, controller_ref, labels_of, name_of, namespace_of

REVISION = "controller-revision-hash"
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def ordinal_of(pod: Object) -> int:
    """-1 for a name without a number."""
    _, dash, text = name_of(pod).rpartition("-")
    return int(text) if dash and text.isdigit() else -1


def parent_of(pod: Object) -> str:
    return name_of(pod).rpartition("-")[0]


def start_of(found: Object) -> int:
    return int((found["spec"].get("ordinals") or {}).get("start", 0))


def is_parallel(found: Object) -> bool:
    return bool(found["spec"].get("podManagementPolicy") == "Parallel")


def rolling(found: Object) -> Object | None:
    """The parameters of a rolling update; None for OnDelete."""
    strategy = found["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return None
    return strategy.get("rollingUpdate") or {}


def partition(found: Object) -> int:
    return int((rolling(found) or {}).get("partition") or 0)


def max_unavailable(found: Object) -> int:
    value = (rolling(found) or {}).get("maxUnavailable")
    if value is None:
        return 1
    return max(1, resolve(value, found["spec"]["replicas"], up=False))


def is_running_and_ready(pod: Object) -> bool:
    return podutil.phase_of(pod) == "Running" and podutil.is_ready(pod)


def is_available(found: Object, pod: Object, now: float) -> bool:
    at = available_at(found, pod)
    return at is not None and at <= now


def available_at(found: Object, pod: Object) -> float | None:
    if not is_running_and_ready(pod):
        return None
    return podutil.available_at(pod, found["spec"].get("minReadySeconds", 0))


def revision_of_pod(pod: Object) -> str:
    return labels_of(pod).get(REVISION, "")


def claim_name(template: Object, found: Object, ordinal: int) -> str:
    return f"{name_of(template)}-{name_of(found)}-{ordinal}"


def claims_of(found: Object, ordinal: int) -> list[Object]:
    """The claims that the pod of an ordinal uses, as they would be made."""
    labels = (found["spec"].get("selector") or {}).get("matchLabels") or {}
    out = []
    for template in found["spec"].get("volumeClaimTemplates") or ():
        meta: dict[str, Any] = {
            "name": claim_name(template, found, ordinal),
            "namespace": namespace_of(found),
            "labels": {**labels_of(template), **labels},
        }
        if annotations := (template["metadata"].get("annotations") or {}):
            meta["annotations"] = annotations
        kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        out.append({**kind, "metadata": meta, "spec": template["spec"]})
    return out


def new_pod(found: Object, template: Object, revision: str, ordinal: int) -> Object:
    """Models newStatefulSetPod with initIdentity and updateStorage."""
    name = f"{name_of(found)}-{ordinal}"
    pod = podutil.from_template(template, controller_ref(found), name, namespace_of(found))
    meta = pod["metadata"]
    del meta["generateName"]
    meta["name"] = name
    meta["labels"] = {
        **(meta.get("labels") or {}),
        POD_INDEX: str(ordinal),
        REVISION: revision,
        POD_NAME: name,
    }
    spec = {**pod["spec"], "hostname": name}
    if found["spec"].get("serviceName"):
        spec["subdomain"] = found["spec"]["serviceName"]
    if volumes := _volumes(found, spec, ordinal):
        spec["volumes"] = volumes
    pod["spec"] = spec
    return pod


def _volumes(found: Object, spec: Object, ordinal: int) -> list[Object]:
    own = {
        name_of(t): claim_name(t, found, ordinal)
        for t in found["spec"].get("volumeClaimTemplates") or ()
    }
    out: list[Object] = [
        {"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in own.items()
    ]
    return out + [v for v in spec.get("volumes") or () if v["name"] not in own]
