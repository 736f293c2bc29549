"""What was written into the store past the API, by etcdctl or a snapshot from elsewhere.

Nothing is known of such a value, not even that it is JSON. Whoever reads that object gets
upstream's error; nobody else may suffer from it: watches go on with what they know, components do
not see it. Models apimachinery's SimpleMetaFactory.Interpret and the etcd3 storage's decode.
"""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver.resources import Resource
from cluster.machinery.errors import StatusError

COMPONENT = "etcd"  # the origin of writes through the etcd API
_VERSION_KIND = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)
_GO_TYPES = {list: "array", str: "string", int: "number", float: "number", bool: "bool"}


def is_suspect(resource: Resource, value: bytes) -> bool:
    """A cheap look: what the API wrote begins with its head and ends with the last brace."""
    return (
        not value.startswith(resource.head)
        or not value.endswith(b"}")
        or value.count(b"{") != value.count(b"}")
    )


def problem_of(value: bytes) -> StatusError | None:
    """Why the value is no object; None when it is one."""
    try:
        obj = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if value.lstrip()[:1] in (b"{", b"["):
            return _refused(f"couldn't get version/kind; json parse error: {_go(value, error)}")
        # What does not look like JSON is tried as YAML, in which any line is a string.
        return _refused(_not_a_struct(""))
    if not isinstance(obj, dict):
        return _refused(_not_a_struct(obj))
    if not obj.get("kind"):
        return _refused(f"Object 'Kind' is missing in '{value.decode()}'")
    if not isinstance(obj.get("metadata"), dict):
        return _refused(f"Object 'metadata' is missing in '{value.decode()}'")
    return None


def is_known(obj: dict[str, Any]) -> bool:
    """Whether components can work with it: what never had a UID was never an object of the API."""
    meta = obj["metadata"]
    return "uid" in meta and "name" in meta


def _refused(text: str) -> StatusError:
    return StatusError(500, "", text)


def _go(value: bytes, error: orjson.JSONDecodeError) -> str:
    """encoding/json's words for where it stopped."""
    if error.pos >= len(value):
        return "unexpected end of JSON input"
    found = value.decode(errors="replace")[error.pos : error.pos + 1]
    return f"invalid character '{found}' looking for beginning of value"


def _not_a_struct(value: Any) -> str:
    kind = _GO_TYPES.get(type(value), "string")
    return (
        "couldn't get version/kind; json parse error: "
        f"json: cannot unmarshal {kind} into Go value of type {_VERSION_KIND}"
    )
