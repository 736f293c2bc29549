"""The three patch kinds kubectl sends, as pure functions: (old, patch) -> new; old is not changed.

Server-side apply is in `managed`.
"""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer

from cluster.apiserver.patch.strategic import strategic_merge
from cluster.machinery import errors
from cluster.machinery.meta import Object, deep_copy

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
MAX_OPERATIONS = 10_000


def merge(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


def json_patch(old: Object, patch: Any) -> Object:
    """RFC 6902. Raises StatusError as upstream: 400 for a malformed patch, 422 for one that
    does not fit the object."""
    if not isinstance(patch, list):
        raise errors.bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type "
            "jsonpatch.Patch"
        )
    if len(patch) > MAX_OPERATIONS:
        raise errors.too_large(MAX_OPERATIONS)
    try:
        out: Object = jsonpatch.JsonPatch(patch).apply(deep_copy(old))
    except (
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
        TypeError,
        KeyError,
    ) as error:
        raise errors.StatusError(
            422,
            "Invalid",
            f"the server rejected our request due to an error in our request: {error}",
            {},
        ) from error
    return out


__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "MERGE_PATCH",
    "STRATEGIC_PATCH",
    "json_patch",
    "merge",
    "strategic_merge",
]
