"""Draining a node as kubectl does: which pods go, which stay, which forbid it.

Models k8s.io/kubectl/pkg/drain/filters.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.client import Client, Options, kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, annotations_of, controller_of, key_of
from dashboard.actions.nodes import cordon

MIRROR = "kubernetes.io/config.mirror"


@dataclass(slots=True)
class Plan:
    """`bare` and `local_data` are among `evict`: they need the person's word."""

    node: str
    evict: list[Object] = field(default_factory=list)
    daemons: list[str] = field(default_factory=list)
    static: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    local_data: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [key_of(p) for p in self.evict]


def plan(client: Client, node: str) -> Plan:
    """What a drain would do now. Raises StatusError 404."""
    client.get(kinds.NODES, "", node)
    out = Plan(node)
    for pod in client.list(kinds.PODS):
        if (pod.get("spec") or {}).get("nodeName") == node:
            _sort(client, pod, out)
    return out


def _sort(client: Client, pod: Object, out: Plan) -> None:
    key = key_of(pod)
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    owner = controller_of(pod)
    if MIRROR in annotations_of(pod):
        out.static.append(key)
        return
    if owner is not None and owner["kind"] == "DaemonSet" and not finished:
        out.daemons.append(key)
        return
    if not finished:
        if any("emptyDir" in v for v in pod["spec"].get("volumes") or ()):
            out.local_data.append(key)
        if owner is None:
            out.bare.append(key)
    if not pod["metadata"].get("deletionTimestamp"):
        out.evict.append(pod)


def drain(client: Client, node: str, *, force: bool = False, delete_local: bool = False) -> str:
    """Cordon, then evict. Refused, with kubectl's words, where data or bare pods would be lost."""
    found = plan(client, node)
    refusals = []
    if found.local_data and not delete_local:
        refusals.append(
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): "
            + ", ".join(found.local_data)
        )
    if found.bare and not force:
        refusals.append(
            "cannot delete Pods that declare no controller (use --force to override): "
            + ", ".join(found.bare)
        )
    if refusals:
        raise StatusError(409, "Conflict", "; ".join(refusals))
    cordon(client, node)
    waiting = sum(not evict(client, pod) for pod in found.evict)
    gone = len(found.evict) - waiting
    more = f", {waiting} held back by a disruption budget" if waiting else ""
    return f"node/{node} drained: {gone} pod{'' if gone == 1 else 's'} evicted{more}"


def evict(client: Client, pod: Object) -> bool:
    """False when a disruption budget says not now.

    Without budgets, as here, an eviction is a deletion of exactly this pod with its grace; the
    API server answers 429 once it has some.
    """
    meta = pod["metadata"]
    try:
        client.do_delete(kinds.PODS, meta["namespace"], meta["name"], Options(uid=meta["uid"]))
    except StatusError as error:
        if error.code == 429:
            return False
        if error.code not in (404, 409):  # gone, or another pod of that name by now
            raise
    return True
