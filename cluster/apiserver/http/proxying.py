"""The proxy subresource of pods, services and nodes: HTTP through the API server to a container.

Models registry/core/pod/rest/subresources.go and apimachinery/pkg/util/proxy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import Response
from cluster.apiserver.resources import PODS, SERVICES
from cluster.machinery import errors
from cluster.machinery.meta import Object

if TYPE_CHECKING:
    from cluster.apiserver.http.server import ApiServer

PATH = re.compile(r"(/api/v1/namespaces/[^/]+/(?:pods|services)/[^/]+/proxy)(/.*)?")
DROPPED = ("authorization", "host", "connection", "content-length", "accept-encoding")
KEPT = ("content-type", "location", "server", "cache-control", "set-cookie", "date")


def split(request: Request) -> None:
    """What is behind `/proxy` is the container's business; the rest is a subresource's path."""
    match = PATH.fullmatch(request.path)
    if match is not None:
        request.path, request.behind = match[1], match[2] or "/"


async def answer(server: ApiServer, request: Request) -> Response:
    if server.streams is None:
        raise errors.unavailable("this server has no access to containers")
    server.cacher.refresh()
    _, name, port = _target(request.name)
    find = server.cacher.get(request.resource or PODS, request.namespace, name)
    if find is None:
        assert request.resource is not None
        raise errors.not_found(request.resource.plural, "", name)
    headers = {k: v for k, v in request.headers.items() if k not in DROPPED}
    query = "&".join(f"{k}={v}" for k, v in request.pairs)
    path = request.behind + (f"?{query}" if query else "")
    try:
        reply = server.streams.fetch(
            find.decode(), port, request.method, path, headers, request.body
        )
    except OSError as error:
        raise errors.unavailable(_trouble(find.decode(), request, port, error)) from error
    kept = {k: v for k, v in reply.headers.items() if k.lower() in KEPT}
    kind = next((v for k, v in kept.items() if k.lower() == "content-type"), "text/plain")
    rest = {k: v for k, v in kept.items() if k.lower() != "content-type"}
    return Response(reply.status or 502, reply.body, kind, rest)


def _target(text: str) -> tuple[str, str, str]:
    """[scheme:]name[:port]. Raises StatusError 400."""
    parts = text.split(":")
    if len(parts) == 1:
        return "http", parts[0], ""
    if len(parts) == 2:
        return "http", parts[0], parts[1]
    if len(parts) == 3 and parts[0] in ("http", "https", ""):
        return parts[0] or "http", parts[1], parts[2]
    raise errors.bad_request(f"invalid request {text!r}")


def _trouble(target: Object, request: Request, port: str, error: OSError) -> str:
    if request.resource is SERVICES:
        return f'no endpoints available for service "{target["metadata"]["name"]}"'
    address = (target.get("status") or {}).get("podIP", "")
    why = (error.strerror or "").lower()
    return f"error trying to reach service: dial tcp {address}:{port or 80}: connect: {why}"
