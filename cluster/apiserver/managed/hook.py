"""Where the registry records owners: once per write, between defaulting and admission.

What admission and strategies change afterwards is nobody's, as upstream. Components write through
the same door; their manager is the program they stand for.
"""

from __future__ import annotations

from functools import lru_cache

from cluster.apiserver.managed.fieldpath import EMPTY, FieldSet, Path, path
from cluster.apiserver.managed.manager import FieldManager, KindVersions
from cluster.apiserver.managed.scale import SCALE_VERSION, to_parent, to_scale
from cluster.apiserver.managed.sources import types
from cluster.apiserver.operations import Operation, User
from cluster.apiserver.resources import Resource
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object

# Subresources that write an object of the parent's kind.
TRACKED = frozenset(("", "status", "finalize", "ephemeralcontainers", "approval", "resize"))
# Beside spec: what a write to /status cannot set. Models the strategies' GetResetFields.
STATUS_IGNORES: dict[str, tuple[Path, ...]] = {
    "pods": (path("metadata", "deletionTimestamp"), path("metadata", "ownerReferences")),
    "deployments.apps": (path("metadata", "labels"),),
    "customresourcedefinitions.apiextensions.k8s.io": (path("metadata"),),
}


# In-process clients whose user does not tell the program.
PROGRAMS = {"system:nodes": "kubelet", "system:orrery:bootstrap": "kubeadm"}


@lru_cache(maxsize=1024)
def ignored(resource: Resource, subresource: str, has_status: bool) -> FieldSet:
    """What a write there resets, so that nobody comes to own it by it (resetFields)."""
    if subresource == "status":
        return FieldSet.of([path("spec"), *STATUS_IGNORES.get(resource.id, ())])
    if subresource == "approval":
        return FieldSet.of([path("spec")])
    return FieldSet.of([path("status")]) if has_status else EMPTY


def manager_of(operation: Operation) -> str:
    """The name that a write's entry carries."""
    return operation.options.field_manager or component_name(operation.user)


@lru_cache(maxsize=4096)
def component_name(user: User) -> str:
    """The program behind an in-process client: what its User-Agent would begin with."""
    name = user.name
    if name in PROGRAMS:
        return PROGRAMS[name]
    if name.startswith("system:node:"):
        return "kubelet"
    if name.startswith("system:serviceaccount:kube-system:") and name.endswith("-controller"):
        return "kube-controller-manager"
    if name.startswith("system:apiserver"):
        return "kube-apiserver"
    return name.rpartition(":")[2] or "unknown"


def field_manager(resource: Resource, subresource: str, has_status: bool) -> FieldManager:
    fields = ignored(resource, subresource, has_status)
    versions = KindVersions(types(), resource.kind)
    version = resource.api_version
    return FieldManager(versions, version, subresource, {version: fields} if fields else {})


def scale_manager() -> FieldManager:
    """status is read only there."""
    versions = KindVersions(types(), "Scale")
    return FieldManager(
        versions, SCALE_VERSION, "scale", {SCALE_VERSION: FieldSet.of([path("status")])}
    )


def record(
    operation: Operation, now: float, live: Object | None, new: Object, has_status: bool
) -> None:
    """Sets the managedFields of `new`, whose metadata must be private to the operation."""
    if operation.apply or not operation.options.field_manager:
        return  # components' writes: not yet
    if not types().known(operation.resource.api_version, operation.resource.kind):
        return
    manager = field_manager(operation.resource, operation.subresource, has_status)
    manager.update(live, new, manager_of(operation), format_time(now))


def record_scale(
    operation: Operation, now: float, live: Object, old_scale: Object, new_scale: Object
) -> list[Object]:
    """The parent's entries after its Scale was written."""
    parent = live["metadata"].get("managedFields")
    if operation.apply:
        entries = new_scale["metadata"].get("managedFields")
    else:
        before = with_entries(old_scale, to_scale(parent))
        after = {**new_scale, "metadata": {**(new_scale.get("metadata") or {})}}
        scale_manager().update(before, after, manager_of(operation), format_time(now))
        entries = after["metadata"].get("managedFields")
    return to_parent(parent, entries, operation.resource.api_version)


def with_entries(obj: Object, entries: list[Object]) -> Object:
    metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}
