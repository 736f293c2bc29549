"""The ReplicaSet of a Deployment's present template: its name, labels, annotations.

Pure functions. Models getNewReplicaSet and SetNewReplicaSetAnnotations in
pkg/controller/deployment.
"""

from __future__ import annotations

from cluster.controllers import rollout
from cluster.controllers.podutil import TEMPLATE_HASH, template_hash
from cluster.machinery.meta import Object, annotations_of, controller_ref, name_of, namespace_of

HISTORY = "deployment.kubernetes.io/revision-history"
NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        rollout.REVISION,
        HISTORY,
        rollout.DESIRED,
        rollout.MAX,
        "deprecated.deployment.rollback.to",
    }
)


def build(deployment: Object, collisions: int, revision: int, size: int) -> Object:
    spec = deployment["spec"]
    template, selector = spec["template"], spec["selector"]
    meta = template.get("metadata") or {}
    digest = template_hash(template, collisions)
    labels = {**(meta.get("labels") or {}), TEMPLATE_HASH: digest}
    match = {**(selector.get("matchLabels") or {}), TEMPLATE_HASH: digest}
    out: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": {**annotated(deployment, {}, revision), **sizes(deployment)},
            "ownerReferences": [controller_ref(deployment)],
        },
        "spec": {
            "replicas": size,
            "selector": {**selector, "matchLabels": match},
            "template": {**template, "metadata": {**meta, "labels": labels}},
        },
    }
    if spec.get("minReadySeconds"):
        out["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return out


def annotated(deployment: Object, have: dict[str, str], revision: int) -> dict[str, str]:
    """The Deployment's own, and the revision; a set that is rolled back to keeps its old ones."""
    out = {**have}
    out.update((k, v) for k, v in annotations_of(deployment).items() if k not in NOT_COPIED)
    text = have.get(rollout.REVISION, "")
    before = int(text) if text.isdigit() else 0
    if before < revision:
        out[rollout.REVISION] = str(revision)
        if before:
            past = [*filter(None, have.get(HISTORY, "").split(",")), str(before)]
            out[HISTORY] = ",".join(past)
    return out


def sizes(deployment: Object) -> dict[str, str]:
    """Models SetReplicasAnnotations."""
    wanted = deployment["spec"]["replicas"]
    return {
        rollout.DESIRED: str(wanted),
        rollout.MAX: str(wanted + rollout.max_surge(deployment)),
    }
