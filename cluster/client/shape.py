"""Has an object the shape that its kind's published schema gives it?

For those who take objects from people and not over HTTP, which checks by itself.
"""

from __future__ import annotations

from cluster.apiserver.schema.strict import check
from cluster.machinery.meta import Object


def complaints(obj: Object) -> list[str]:
    """What strict decoding would say; nothing for a good object or a kind without a schema."""
    group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
    found = check(group, version, str(obj.get("kind", "")), obj)
    if found.mismatch:
        return [found.mismatch]
    return [f'unknown field "{path}"' for path in found.unknown]
