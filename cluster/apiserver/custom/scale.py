"""The scale subresource of custom objects. Models registry/customresource/etcd.go."""

from __future__ import annotations

from typing import Any

from cluster.machinery import errors
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object

MAX = 2**31 - 1


def _steps(path: str) -> list[str]:
    return path.lstrip(".").split(".")


def _get(obj: Any, path: str) -> Any:
    for step in _steps(path):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def view(paths: Object, obj: Object) -> Object:
    """autoscaling/v1 Scale."""
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Object = {"replicas": _get(obj, paths["statusReplicasPath"]) or 0}
    selector = _get(obj, paths["labelSelectorPath"]) if paths.get("labelSelectorPath") else None
    if selector:
        status["selector"] = selector
    replicas = _get(obj, paths["specReplicasPath"])
    if replicas is None:
        raise errors.internal_error(
            f'the spec replicas field "{paths["specReplicasPath"]}" does not exist'
        )
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {k: meta[k] for k in kept if k in meta},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def put(paths: Object, scale: Object, old: Object) -> Object:
    """The object with the replicas that a Scale asks for."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        text = "must be greater than or equal to 0"
        cause = errors.invalid_value("spec.replicas", replicas, text)
        raise errors.invalid("Scale", "autoscaling", old["metadata"]["name"], [cause])
    new: Object = {**old, "metadata": {**old["metadata"]}}
    here = new
    *above, last = _steps(paths["specReplicasPath"])
    for step in above:
        here[step] = {**(here.get(step) or {})}
        here = here[step]
    here[last] = replicas
    return new


def _replicas(path: str, obj: Object) -> list[Cause]:
    value = _get(obj, path)
    if value is None:
        return []
    if isinstance(value, bool) or not isinstance(value, int):
        kind = {str: "string", float: "float64", bool: "bool"}.get(type(value), "object")
        text = f"{path} accessor error: {value} is of the type {kind}, expected int64"
        return [errors.invalid_value(path, 0, text)]
    if value < 0:
        return [errors.invalid_value(path, value, "should be a non-negative integer")]
    if value > MAX:
        return [errors.invalid_value(path, value, f"should be less than or equal to {MAX}")]
    return []


def validate(paths: Object | None, obj: Object) -> list[Cause]:
    if paths is None:
        return []
    return _replicas(paths["specReplicasPath"], obj) + validate_status(paths, obj)


def validate_status(paths: Object | None, obj: Object) -> list[Cause]:
    return _replicas(paths["statusReplicasPath"], obj) if paths is not None else []
