"""GET pods/log. Models registry/core/pod/rest/log.go."""

from __future__ import annotations

from cluster.apiserver.http.logs import LogRequest, container_of
from cluster.apiserver.http.reads import catch_up
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import Response
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.resources import PODS
from cluster.machinery import errors
from cluster.machinery.clock import parse_time

TEXT = "text/plain"


def log(server: ApiServer, request: Request) -> Response:
    catch_up(server, request)
    entry = server.cacher.get(PODS, request.namespace, request.name)
    if entry is None:
        raise errors.not_found("pods", "", request.name)
    pod = entry.decode()
    wanted = LogRequest(
        container=container_of(pod, request.query.get("container", "")),
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail=_at_least(request, "tailLines", 0),
        since=_since(server, request),
        limit_bytes=_at_least(request, "limitBytes", 1),
    )
    if server.logs is None:
        raise errors.unavailable("this server has no access to container logs")
    if wanted.follow:
        server.logs.read(pod, wanted)  # says now what is wrong, while there can be a Status
        return Response(content_type=TEXT, stream=server.logs.follow(pod, wanted))
    return Response(200, b"".join(server.logs.read(pod, wanted)), TEXT)


def _at_least(request: Request, name: str, least: int) -> int | None:
    value = request.number(name)
    if value is not None and value < least:
        text = f"must be greater than or equal to {least}"
        cause = errors.invalid_value(name, value, text)
        raise errors.invalid("PodLogOptions", "", request.name, [cause])
    return value


def _since(server: ApiServer, request: Request) -> float | None:
    seconds = _at_least(request, "sinceSeconds", 1)
    if seconds is not None:
        return server.clock.now() - seconds
    stamp = request.query.get("sinceTime")
    if not stamp:
        return None
    try:
        return parse_time(stamp)
    except ValueError as error:
        raise errors.bad_request(f"invalid sinceTime: {stamp}") from error
