"""Saving an edited object as kubectl edit does: only what the person changed is written.

So an editor that stood open while controllers wrote the object's status still saves. A list that
was changed is replaced as a whole. Whoever changes resourceVersion insists on that version.
"""

from __future__ import annotations

from typing import Any

from cluster.client import Client, Resource
from cluster.machinery.meta import Object


def difference(before: Object, after: Object) -> Object:
    """The RFC 7386 merge patch that leads from one to the other."""
    patch: Object = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif key not in before or not _same(old, value):
            patch[key] = value
    return patch


def _same(a: Any, b: Any) -> bool:
    """1 and True are equal to Python, not in an object."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return type(a) is type(b) and bool(a == b)


def merged(target: Any, patch: Object) -> Object:
    """`target` with the merge patch applied; neither is changed."""
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict):
            out[key] = merged(out.get(key), value)
        else:
            out[key] = value
    return out


def save(
    client: Client, resource: Resource, before: Object, after: Object, dry_run: bool = False
) -> Object:
    """Write the difference. Raises StatusError."""
    patch, meta = difference(before, after), before["metadata"]
    return client.do_patch(
        resource,
        meta.get("namespace", ""),
        meta["name"],
        lambda now: merged(now, patch),
        dry_run=dry_run,
    )
