"""What may be written to a pod's subresources ephemeralcontainers and resize.

Models registry/core/pod (EphemeralContainersREST, ResizeREST) and their validation.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.kinds.podrules import pod_spec
from cluster.apiserver.kinds.podspec import canonical_amounts, default_ephemeral, qos_class
from cluster.machinery.errors import Cause, forbidden_field, invalid_value
from cluster.machinery.meta import Object, annotations_of, deep_copy

MIRROR = "kubernetes.io/config.mirror"
RESIZABLE = ("cpu", "memory")
ONLY_RESOURCES = "only cpu and memory resources are mutable"
SAME_CLASS = "Pod QOS Class may not change as a result of resizing"


def _raised(old: Object, spec: Object) -> Object:
    """The pod with its new spec, and a new generation if that is a change."""
    meta = dict(old["metadata"])
    if spec != old["spec"]:
        meta["generation"] = meta.get("generation", 1) + 1
    return {**old, "metadata": meta, "spec": spec}


def ephemeral(new: Object, old: Object) -> tuple[Object, list[Cause]]:
    wanted = deep_copy({"found": new.get("spec", {}).get("ephemeralContainers") or []})["found"]
    for container in wanted:
        default_ephemeral(container)
    before = old["spec"].get("ephemeralContainers") or []
    path = "spec.ephemeralContainers"
    causes: list[Cause] = []
    if MIRROR in annotations_of(old) and wanted != before:
        causes.append(forbidden_field("", "static pods do not support ephemeral containers"))
    by_name = {c.get("name"): c for c in wanted}
    for container in before:
        name = container["name"]
        if name not in by_name:
            text = f'existing ephemeral containers "{name}" may not be removed\n'
            causes.append(forbidden_field(path, text))
        elif by_name[name] != container:
            text = f'existing ephemeral containers "{name}" may not be changed\n'
            causes.append(forbidden_field(path, text))
    spec = {**old["spec"], "ephemeralContainers": wanted}
    return _raised(old, spec), causes + pod_spec(spec, "spec")


def resize(new: Object, old: Object) -> tuple[Object, list[Cause]]:
    wanted = deep_copy(new.get("spec") or {})
    for field in ("containers", "initContainers"):
        for container in wanted.get(field) or ():
            canonical_amounts(container.get("resources") or {})
    causes: list[Cause] = []
    if _frozen(wanted) != _frozen(old["spec"]):
        causes.append(forbidden_field("spec", ONLY_RESOURCES))
    else:
        causes += _removed(wanted, old["spec"])
    before, after = qos_class(old["spec"]), qos_class(wanted)
    if before != after:
        causes.append(invalid_value("spec", after, SAME_CLASS))
    return _raised(old, wanted), causes + pod_spec(wanted, "spec")


def _frozen(spec: Object) -> Object:
    """The spec without the amounts that may change."""
    out: dict[str, Any] = dict(spec)
    for field in ("containers", "initContainers"):
        out[field] = [_without_amounts(c) for c in spec.get(field) or ()]
    return out


def _without_amounts(container: Object) -> Object:
    resources = container.get("resources") or {}
    kept = {
        f: {k: v for k, v in (resources.get(f) or {}).items() if k not in RESIZABLE}
        for f in ("requests", "limits")
    }
    return {**container, "resources": {**resources, **kept}, "resizePolicy": None}


def _removed(new: Object, old: Object) -> list[Cause]:
    causes: list[Cause] = []
    pairs = zip(new.get("containers") or (), old.get("containers") or (), strict=False)
    for index, (after, before) in enumerate(pairs):
        for field in ("limits", "requests"):
            had = (before.get("resources") or {}).get(field) or {}
            has = (after.get("resources") or {}).get(field) or {}
            if any(name not in has for name in had):
                path = f"spec.containers[{index}].resources.{field}"
                causes.append(forbidden_field(path, f"resource {field} cannot be removed"))
    return causes
