"""Reading and shaping API objects, which are plain dicts as JSON gives them.

Objects from a lister or an informer are shared: never change one; copy it with `deep_copy`, or
build a new dict around the unchanged parts with `with_status` and `with_metadata`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson

from cluster.machinery.clock import format_time

Object = dict[str, Any]


def deep_copy(obj: Object) -> Object:
    """A private copy; through JSON, which is several times faster than copy.deepcopy."""
    return cast(Object, orjson.loads(orjson.dumps(obj)))


def name_of(obj: Mapping[str, Any]) -> str:
    return cast(str, obj["metadata"].get("name", ""))


def namespace_of(obj: Mapping[str, Any]) -> str:
    return cast(str, obj["metadata"].get("namespace", ""))


def uid_of(obj: Mapping[str, Any]) -> str:
    return cast(str, obj["metadata"].get("uid", ""))


def key_of(obj: Mapping[str, Any]) -> str:
    """`namespace/name`, or `name` for a cluster-scoped object: client-go's MetaNamespaceKey."""
    meta = obj["metadata"]
    namespace = meta.get("namespace")
    return f"{namespace}/{meta['name']}" if namespace else cast(str, meta["name"])


def split_key(key: str) -> tuple[str, str]:
    """(namespace, name); the namespace is empty for a cluster-scoped object."""
    namespace, _, name = key.rpartition("/")
    return namespace, name


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def revision_of(obj: Mapping[str, Any]) -> int:
    """The object's resourceVersion as a number; 0 when it has none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def is_deleting(obj: Mapping[str, Any]) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def with_metadata(obj: Object, **changes: Any) -> Object:
    """A new object whose metadata has `changes` (None removes a key); the rest is shared."""
    meta = {**obj["metadata"], **changes}
    return {**obj, "metadata": {k: v for k, v in meta.items() if v is not None}}


def with_status(obj: Object, status: Object) -> Object:
    """A new object with another status; the rest is shared."""
    return {**obj, "status": status}


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """The owner reference with controller=true, if any."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return cast(Object, ref)
    return None


def is_controlled_by(obj: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    ref = controller_of(obj)
    return ref is not None and ref.get("uid") == owner["metadata"].get("uid")


def controller_ref(owner: Mapping[str, Any]) -> Object:
    """Models metav1.NewControllerRef."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def object_reference(obj: Mapping[str, Any], field_path: str = "") -> Object:
    """Models reference.GetReference, as Events and endpoint targets carry it."""
    meta = obj["metadata"]
    ref = {"kind": obj["kind"]}
    for field in ("namespace", "name", "uid"):
        if field in meta:
            ref[field] = meta[field]
    ref["apiVersion"] = obj["apiVersion"]
    if "resourceVersion" in meta:
        ref["resourceVersion"] = meta["resourceVersion"]
    if field_path:
        ref["fieldPath"] = field_path
    return ref


def condition(conditions: Iterable[Object] | None, kind: str) -> Object | None:
    for entry in conditions or ():
        if entry.get("type") == kind:
            return entry
    return None


def is_true(conditions: Iterable[Object] | None, kind: str) -> bool:
    found = condition(conditions, kind)
    return found is not None and found.get("status") == "True"


def set_condition(conditions: Iterable[Object] | None, new: Object, now: float) -> list[Object]:
    """A new list with `new` in place of the condition of its type.

    lastTransitionTime is kept while the status stays the same, and is `now` otherwise.
    """
    out: list[Object] = []
    found = False
    for old in conditions or ():
        if old.get("type") != new["type"]:
            out.append(old)
            continue
        found = True
        same = old.get("status") == new["status"]
        at = old.get("lastTransitionTime") if same else format_time(now)
        out.append({**old, **new, "lastTransitionTime": at})
    if not found:
        out.append({"lastTransitionTime": format_time(now), **new})
    return out
