"""The three patch kinds kubectl sends, as pure functions: (old, patch) -> new; old is not changed.

Server-side apply is in `managed`.
"""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer
import orjson

from cluster.apiserver.patch.strategic import strategic_merge
from cluster.machinery import errors
from cluster.machinery.meta import Object, deep_copy

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
MAX_OPERATIONS = 10_000
GO_MAP = "map[string]interface {}"
GO_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
}


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


def decode(kind: str, body: bytes) -> Any:
    """The patch in a request's body. Raises StatusError 400 with the text of Go's decoder."""
    prefix = "" if kind == STRATEGIC_PATCH else "error decoding patch: "
    wanted, go = (list, "[]interface {}") if kind == JSON_PATCH else (dict, GO_MAP)
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = "unexpected end of JSON input" if not body.strip() else f"invalid character: {error}"
        raise errors.bad_request(prefix + text) from error
    if not isinstance(found, wanted):
        got = GO_NAMES.get(type(found), "nothing")
        raise errors.bad_request(f"{prefix}json: cannot unmarshal {got} into Go value of type {go}")
    return found


def json_patch(old: Object, patch: list[Any]) -> Object:
    """RFC 6902. Raises StatusError 413 for one that is too long, 422 for one that does not fit."""
    if len(patch) > MAX_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}"
        text = f"Request entity is too large: {text}, got {len(patch)}"
        raise errors.StatusError(413, "RequestEntityTooLarge", text, {})
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
            "the server rejected our request due to an error in our request",
            {},
        ) from error
    return out


__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "MERGE_PATCH",
    "STRATEGIC_PATCH",
    "decode",
    "json_patch",
    "merge",
    "strategic_merge",
]
