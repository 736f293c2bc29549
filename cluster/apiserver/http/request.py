"""A request as the handlers see it: path taken apart, query decoded, body read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from cluster.apiserver.operations import User
from cluster.apiserver.resources import SERVED, Resource
from cluster.machinery import errors

MAX_BODY = 3 * 1024 * 1024
RESOURCE_PATH = re.compile(r"/(?:api/(v1)|apis/([^/]+)/([^/]+))(/.*)?")
NOT_FOUND = "the server could not find the requested resource"
_BY_PATH = {(r.group, r.version, r.plural): r for r in SERVED}

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    user: User
    body: bytes = b""
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    warnings: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)  # the query, with what is repeated
    upgrading: bool = False  # a websocket handshake
    behind: str = ""  # the path after /proxy

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("true", "1")

    def number(self, name: str) -> int | None:
        text = self.query.get(name)
        if not text:
            return None
        try:
            found = int(text)
        except ValueError as error:
            raise errors.bad_request(
                f'strconv.ParseInt: parsing "{text}": invalid syntax'
            ) from error
        if not -(1 << 63) <= found < 1 << 63:
            raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
        return found

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def not_found() -> errors.StatusError:
    return errors.StatusError(404, "NotFound", NOT_FOUND, {})


def normalise(path: str) -> str:
    """No doubled and no trailing slashes."""
    return re.sub(r"/+", "/", path).rstrip("/") or "/"


def from_scope(scope: Scope, user: User) -> Request:
    pairs = parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True)
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    method, path = scope.get("method", "GET"), normalise(scope["path"])
    request = Request(method, path, dict(pairs), headers, user, pairs=pairs)
    request.upgrading = scope["type"] == "websocket"
    return request


Find = Callable[[str, str, str], Resource | None]


def find_static(group: str, version: str, plural: str) -> Resource | None:
    return _BY_PATH.get((group, version, plural))


def locate(request: Request, find: Find = find_static) -> bool:
    """Fill in the resource of a /api or /apis path; False when it is no resource path.

    Raises StatusError 404 for an unknown resource.
    """
    match = RESOURCE_PATH.fullmatch(request.path)
    if match is None or not match[4]:
        return False
    group, version = match[2] or "", match[1] or match[3]
    parts = [p for p in match[4].split("/") if p]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2 and find(group, version, parts[2]) is not None:
        namespace, parts = parts[1], parts[2:]
    resource = find(group, version, parts[0])
    if resource is None or len(parts) > 3:
        raise not_found()
    if resource.namespaced != bool(namespace) and (len(parts) > 1 or namespace):
        raise not_found()
    request.resource = resource
    request.namespace = namespace
    request.name = parts[1] if len(parts) > 1 else ""
    request.subresource = parts[2] if len(parts) > 2 else ""
    return True


async def read_body(receive: Receive) -> bytes:
    """Raises StatusError 413 beyond upstream's three megabytes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client went away")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise errors.too_large(MAX_BODY)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
