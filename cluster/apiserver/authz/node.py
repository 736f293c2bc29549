"""The node authoriser: a kubelet reads what the pods on its node need, and no more.

Upstream keeps a graph; kubelets of ours are trusted components, so the pods are looked through
only when somebody comes with a node's credentials. Models plugin/pkg/auth/authorizer/node.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

from cluster.apiserver.authz.attributes import Attributes
from cluster.apiserver.authz.defaults import node_rules
from cluster.apiserver.authz.policy import Source, Stored
from cluster.apiserver.authz.rules import Rule
from cluster.apiserver.operations import User
from cluster.apiserver.resources import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    VOLUME_ATTACHMENTS,
    Resource,
)
from cluster.machinery.meta import Object

PREFIX, GROUP = "system:node:", "system:nodes"
LEASES = "kube-node-lease"
READS = ("get", "list", "watch")
Answer = tuple[bool, str]
YES: Answer = (True, "")


class NodeSource(Source, Protocol):
    @property
    def revision(self) -> int: ...

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...

    def pods_of(self, node: str) -> Iterator[Stored]:
        """Entries that may be pods of the node."""
        ...


def node_of(user: User) -> str:
    """The node whose kubelet this is; empty for everybody else."""
    if GROUP in user.groups and user.name.startswith(PREFIX):
        return user.name.removeprefix(PREFIX)
    return ""


class NodeAuthorizer:
    def __init__(self, source: NodeSource) -> None:
        self._source = source

    def decide(self, node: str, asked: Attributes) -> Answer:
        """(allowed, why not). An empty reason: no opinion."""
        match (asked.group, asked.resource):
            case ("", "secrets" | "configmaps"):
                return self._read(node, asked)
            case ("", "persistentvolumeclaims" | "persistentvolumes"):
                return self._get(node, asked)
            case ("storage.k8s.io", "volumeattachments") | ("resource.k8s.io", "resourceclaims"):
                return self._get(node, asked)
            case ("", "serviceaccounts"):
                return self._account(node, asked)
            case ("", "nodes"):
                return _own_node(node, asked)
            case ("", "pods"):
                return self._pod(node, asked)
            case ("coordination.k8s.io", "leases"):
                return _lease(node, asked)
            case ("storage.k8s.io", "csinodes"):
                return _named(node, asked, "CSINode")
        return (any(rule.allows(asked) for rule in _rules()), "")

    def _read(self, node: str, asked: Attributes) -> Answer:
        if asked.verb not in READS:
            return False, "can only read resources of this type"
        if asked.subresource:
            return False, "cannot read subresource"
        if not asked.namespace:
            return False, "can only read namespaced object of this type"
        return self._related(node, asked)

    def _get(self, node: str, asked: Attributes) -> Answer:
        status = asked.resource == "persistentvolumeclaims" and asked.subresource == "status"
        if status and asked.verb in ("get", "update", "patch"):
            return self._related(node, asked)
        if asked.verb != "get":
            return False, "can only get individual resources of this type"
        if asked.subresource:
            return False, "cannot get subresource"
        return self._related(node, asked)

    def _account(self, node: str, asked: Attributes) -> Answer:
        if asked.subresource == "token" and asked.verb == "create":
            return self._related(node, asked)
        if asked.subresource == "" and asked.verb == "get":
            return self._related(node, asked)
        return False, "can only create tokens for individual service accounts"

    def _pod(self, node: str, asked: Attributes) -> Answer:
        match (asked.subresource, asked.verb):
            case ("", "create" | "delete"):
                return YES  # NodeRestriction admission narrows these
            case ("status", "update" | "patch") | ("eviction", "create") | ("", "get"):
                found = self._source.find(PODS, asked.namespace, asked.name)
                if found is not None and found["spec"].get("nodeName") == node:
                    return YES
                return self._unrelated(node)
            case ("", "list" | "watch"):
                if f"spec.nodeName={node}" in asked.selector.replace("==", "=").split(","):
                    return YES
                return False, "can only list/watch pods with spec.nodeName field selector"
        return False, ""

    @staticmethod
    def _unrelated(node: str) -> Answer:
        return False, f"no relationship found between node '{node}' and this object"

    def _related(self, node: str, asked: Attributes) -> Answer:
        if not asked.name:
            return False, "No Object name found"
        if asked.resource == "volumeattachments":
            found = self._source.find(VOLUME_ATTACHMENTS, "", asked.name)
            if found is not None and found["spec"].get("nodeName") == node:
                return YES
            return self._unrelated(node)
        wanted = (asked.resource, asked.name)
        for entry in self._source.pods_of(node):
            if asked.namespace and entry.namespace != asked.namespace:
                continue
            pod = entry.decode()
            if pod["spec"].get("nodeName") == node and wanted in self._needs(pod):
                return YES
        return self._unrelated(node)

    def _needs(self, pod: Object) -> Iterator[tuple[str, str]]:
        spec = pod["spec"]
        yield "serviceaccounts", spec.get("serviceAccountName", "")
        for secret in spec.get("imagePullSecrets") or ():
            yield "secrets", secret.get("name", "")
        for container in (*(spec.get("initContainers") or ()), *spec.get("containers", ())):
            yield from _of_environment(container)
        for volume in spec.get("volumes") or ():
            yield from _of_volume(volume)
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
            if volume.get("ephemeral"):
                claim = f"{pod['metadata']['name']}-{volume['name']}"
            if claim:
                yield from self._of_claim(pod["metadata"]["namespace"], claim)
        for status in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
            yield "resourceclaims", status.get("resourceClaimName", "")
        for claim in spec.get("resourceClaims") or ():
            yield "resourceclaims", claim.get("resourceClaimName", "")

    def _of_claim(self, namespace: str, name: str) -> Iterator[tuple[str, str]]:
        yield "persistentvolumeclaims", name
        claim = self._source.find(PERSISTENT_VOLUME_CLAIMS, namespace, name) or {}
        volume = (claim.get("spec") or {}).get("volumeName", "")
        if volume:
            yield "persistentvolumes", volume
            found = self._source.find(PERSISTENT_VOLUMES, "", volume) or {}
            csi = (found.get("spec") or {}).get("csi") or {}
            for field in ("nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"):
                yield "secrets", (csi.get(field) or {}).get("name", "")


def _of_environment(container: Object) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or ():
        yield "secrets", (source.get("secretRef") or {}).get("name", "")
        yield "configmaps", (source.get("configMapRef") or {}).get("name", "")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield "secrets", (source.get("secretKeyRef") or {}).get("name", "")
        yield "configmaps", (source.get("configMapKeyRef") or {}).get("name", "")


def _of_volume(volume: Object) -> Iterator[tuple[str, str]]:
    yield "secrets", (volume.get("secret") or {}).get("secretName", "")
    yield "configmaps", (volume.get("configMap") or {}).get("name", "")
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield "secrets", (source.get("secret") or {}).get("name", "")
        yield "configmaps", (source.get("configMap") or {}).get("name", "")


def _own_node(node: str, asked: Attributes) -> Answer:
    match (asked.subresource, asked.verb):
        case ("", "create" | "update" | "patch"):
            return YES  # NodeRestriction admission narrows these
        case ("status", "update" | "patch"):
            text = f"node '{node}' is not allowed to modify node '{asked.name}'"
            return YES if asked.name == node else (False, text)
        case ("", "get" | "list" | "watch"):
            if asked.name == node:
                return YES
            if not asked.name:
                return False, f"node '{node}' cannot read all nodes, only its own Node object"
            text = f"node '{node}' cannot read '{asked.name}', only its own Node object"
            return False, text
    return False, ""


def _lease(node: str, asked: Attributes) -> Answer:
    if asked.verb not in ("get", "create", "update", "patch", "delete"):
        return False, "can only get, create, update, patch, or delete a node lease"
    if asked.namespace != LEASES:
        return False, f'can only access leases in the "{LEASES}" system namespace'
    if asked.verb != "create" and asked.name != node:
        return False, "can only access node lease with the same name as the requesting node"
    return YES


def _named(node: str, asked: Attributes, kind: str) -> Answer:
    if asked.verb not in ("get", "create", "update", "patch", "delete"):
        return False, f"can only get, create, update, patch, or delete a {kind}"
    if asked.subresource:
        return False, f"cannot authorize {kind} subresources"
    if asked.verb != "create" and asked.name != node:
        return False, f"can only access {kind} with the same name as the requesting node"
    return YES


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return tuple(Rule.of(raw) for raw in node_rules())
