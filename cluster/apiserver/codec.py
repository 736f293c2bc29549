"""Bodies as stored: JSON that begins with `Resource.head`, without metadata.resourceVersion.

The revision is known only inside the commit, so it is spliced in on reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.foreign import problem_of
from cluster.apiserver.resources import Resource
from cluster.machinery.meta import Object


def encode(
    resource: Resource, obj: Mapping[str, Any], fragments: Mapping[str, bytes] | None = None
) -> bytes:
    """`fragments` are top-level fields that somebody already encoded (a memoised spec)."""
    meta = obj["metadata"]
    if "resourceVersion" in meta:
        meta = {k: v for k, v in meta.items() if k != "resourceVersion"}
    if isinstance(resource, CustomResource) and resource.hub is not resource:
        resource = resource.hub
        if obj["apiVersion"] != resource.api_version:
            obj = resource.version_info.convert(dict(obj))
    body: dict[str, Any] = {"apiVersion": "", "kind": "", "metadata": meta, **obj}
    body["apiVersion"], body["kind"], body["metadata"] = resource.api_version, resource.kind, meta
    for key, encoded in (fragments or {}).items():
        body[key] = orjson.Fragment(encoded)
    return orjson.dumps(body)


def decode(value: bytes, revision: int) -> Object:
    """Raises StatusError for what is no object (someone wrote it through etcd)."""
    try:
        obj = cast(Object, orjson.loads(value))
        obj["metadata"]["resourceVersion"] = str(revision)
    except (ValueError, KeyError, TypeError) as error:
        raise problem_of(value) or error from error
    return obj


def splice(resource: Resource, value: bytes, revision: int) -> bytes:
    """The stored body with its resourceVersion, without decoding it."""
    head = resource.head
    if value.startswith(head):
        return b'%b"resourceVersion":"%d",%b' % (head, revision, value[len(head) :])
    return orjson.dumps(decode(value, revision))
