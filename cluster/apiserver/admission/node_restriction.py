"""NodeRestriction: a kubelet from outside writes its own Node and the pods on it, nothing else.

Kubelets of ours are trusted components and are not asked.
Models plugin/pkg/admission/noderestriction.
"""

from __future__ import annotations

from cluster.apiserver.authz.node import node_of
from cluster.apiserver.resources import NODES
from cluster.apiserver.strategy import Context
from cluster.machinery import errors
from cluster.machinery.meta import Object, annotations_of, labels_of, name_of

MIRROR = "kubernetes.io/config.mirror"
RESERVED = "node-restriction.kubernetes.io"
KUBELET_LABELS = frozenset(
    (
        "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os",
        "beta.kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type", "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone", "node.kubernetes.io/windows-build",
    )
)  # fmt: skip
KUBELET_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    op = ctx.operation
    if op.authorizer is None:
        return
    node = node_of(op.user)
    if not node:
        return
    why = _node(node, new, old) if op.resource is NODES else _pod(node, new, old)
    if why:
        raise errors.forbidden(op.resource.plural, "", op.name or name_of(new or old or {}), why)


def token_problem(node: str, ref: Object, pod: Object | None) -> str:
    """Why the node's kubelet may not have a token that is bound so; empty if it may."""
    if (ref.get("kind"), ref.get("apiVersion")) != ("Pod", "v1") or not ref.get("name"):
        return "node requested token not bound to a pod"
    if not ref.get("uid"):
        return "node requested token with a pod binding without a uid"
    if pod is None or pod["spec"].get("nodeName") != node:
        return "node requested token bound to a pod scheduled on a different node"
    return ""


def _pod(node: str, new: Object | None, old: Object | None) -> str:
    pod = new if new is not None else old
    if pod is None:
        return ""
    own = pod["spec"].get("nodeName", "") == node
    if new is None:
        return "" if own else f'node "{node}" can only delete pods with spec.nodeName set to itself'
    if old is not None:
        return ""
    if MIRROR not in annotations_of(new):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if not own:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    if new["spec"].get("serviceAccountName"):
        return f'node "{node}" can not create pods that reference a service account'
    for volume in new["spec"].get("volumes") or ():
        for field, what in (
            ("secret", "secrets"), ("configMap", "configmaps"),
            ("persistentVolumeClaim", "persistentvolumeclaims"),
        ):  # fmt: skip
            if field in volume:
                return f'node "{node}" can not create pods that reference {what}'
    return ""


def _node(node: str, new: Object | None, old: Object | None) -> str:
    obj = new if new is not None else old
    if obj is None:
        return ""
    if name_of(obj) != node:
        return f'node "{node}" is not allowed to modify node "{name_of(obj)}"'
    if new is None:
        return ""
    before = labels_of(old) if old is not None else {}
    changed = {k for k in {*before, *labels_of(new)} if before.get(k) != labels_of(new).get(k)}
    forbidden = sorted(k for k in changed if not _may_label(k))
    if forbidden:
        verb = "modify" if old is not None else "set"
        return f'node "{node}" is not allowed to {verb} labels: {", ".join(forbidden)}'
    if old is not None and new["spec"].get("taints") != old["spec"].get("taints"):
        return f'node "{node}" is not allowed to modify taints'
    return ""


def _may_label(key: str) -> bool:
    domain = key.partition("/")[0] if "/" in key else ""
    if domain == RESERVED or domain.endswith(f".{RESERVED}"):
        return False
    if key in KUBELET_LABELS:
        return True
    if any(domain == p or domain.endswith(f".{p}") for p in KUBELET_PREFIXES):
        return True
    return not (
        domain in ("kubernetes.io", "k8s.io") or domain.endswith((".kubernetes.io", ".k8s.io"))
    )
