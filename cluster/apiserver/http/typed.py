"""Bodies of what is answered and not stored: reviews and token requests."""

from __future__ import annotations

from cluster.apiserver import schema
from cluster.apiserver.http import bodies
from cluster.apiserver.http.request import Request
from cluster.machinery import errors
from cluster.machinery.meta import Object


def body_of(request: Request, group: str, kind: str) -> Object:
    """An object of that kind, as typed decoding leaves it. Raises StatusError 400."""
    value = bodies.without_nulls(bodies.parse(request))
    if not isinstance(value, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type Object)")
    version = value.get("apiVersion") or f"{group}/v1"
    named = value.get("kind") or kind
    refused = f'{kind} in version "v1" cannot be handled as a {kind}: '
    if (version, named) != (f"{group}/v1", kind):
        text = f"no kind {named!r} is registered for version {version!r}".replace("'", '"')
        raise errors.bad_request(refused + text)
    found = schema.check(group, "v1", kind, value)
    if found.mismatch:
        raise errors.bad_request(refused + found.mismatch)
    if found.unknown:
        texts = [f'unknown field "{path}"' for path in found.unknown]
        if request.query.get("fieldValidation") == "Strict":
            raise errors.bad_request(f"{refused}strict decoding error: {', '.join(texts)}")
        request.warnings += texts
        bodies.drop_unknown(value, found.unknown)
    return value
