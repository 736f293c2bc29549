"""Websocket requests: who asks, for which stream, and the handshake.

A refused handshake says why in its HTTP response where the ASGI server allows it; kubectl asks
again with a POST then, and prints that answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cluster.apiserver.http import channels
from cluster.apiserver.http.channels import EXEC_PROTOCOLS, Wire, no_such_protocol
from cluster.apiserver.http.request import Receive, Request, Scope, Send
from cluster.apiserver.http.responses import Response, error_response
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.http.streams import NAMES, stream_request
from cluster.apiserver.http.tunnel import TUNNEL, serve_tunnel
from cluster.apiserver.resources import PODS
from cluster.machinery import errors
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

FORWARD_PROTOCOLS = (TUNNEL, "v4.channel.k8s.io", "channel.k8s.io", "portforward.k8s.io")
# Authenticates, locates and authorizes; app.py's, so that there is one way to do it.
Admit = Callable[[Request], Awaitable[None]]


async def serve(
    server: ApiServer, request: Request, scope: Scope, receive: Receive, send: Send, admit: Admit
) -> None:
    await receive()  # websocket.connect
    offered = list(scope.get("subprotocols") or ())
    try:
        await admit(request)
        pod, protocol = _accepted(server, request, offered)
        work = _work(server, request, pod, protocol)
    except StatusError as error:
        await _refuse(scope, send, error)
        return
    await send({"type": "websocket.accept", "subprotocol": protocol or None})
    await work(Wire(receive, send, protocol))


def answer(server: ApiServer, request: Request) -> Response:
    """A stream's request that has passed authorization: nothing yet if it goes on as a websocket,
    else what is wrong with it; kubectl shows this when its handshake was refused."""
    if request.method not in ("GET", "POST"):
        raise errors.method_not_allowed("pods", "", request.method.lower())
    check(server, request)
    if not request.upgrading:
        raise errors.bad_request("Upgrade request required")
    return Response()


def _accepted(server: ApiServer, request: Request, offered: list[str]) -> tuple[Object, str]:
    if request.resource is not PODS or request.subresource not in NAMES:
        raise errors.bad_request("this resource is not served over websockets")
    pod = pod_of(server, request)
    served = FORWARD_PROTOCOLS if request.subresource == "portforward" else EXEC_PROTOCOLS
    protocol = next((p for p in offered if p in served), "")
    if offered and not protocol:
        raise no_such_protocol(offered)
    return pod, protocol


def pod_of(server: ApiServer, request: Request) -> Object:
    """The pod as it is, fresh from the log."""
    server.cacher.refresh()
    entry = server.cacher.get(PODS, request.namespace, request.name)
    if entry is None:
        raise errors.not_found("pods", "", request.name)
    return entry.decode()


def _commands(request: Request) -> list[str]:
    return [value for name, value in request.pairs if name == "command"]


def check(server: ApiServer, request: Request) -> None:
    """What is wrong with a stream before it begins. Raises StatusError."""
    pod = pod_of(server, request)
    streams = server.streams
    if streams is None:
        raise errors.unavailable("this server has no access to containers")
    wanted = None
    if request.subresource != "portforward":
        wanted = stream_request(pod, request, _commands(request))
    streams.check(pod, wanted)


def _work(
    server: ApiServer, request: Request, pod: Object, protocol: str
) -> Callable[[Wire], Awaitable[None]]:
    streams = server.streams
    assert streams is not None
    if request.subresource == "portforward":
        if protocol == TUNNEL:
            return lambda wire: serve_tunnel(streams, pod, wire)
        ports = _ports([v for k, v in request.pairs if k == "ports"])
        return lambda wire: channels.forward(streams, pod, ports, wire)
    wanted = stream_request(pod, request, _commands(request))
    return lambda wire: channels.run(streams, pod, wanted, wire)


def _ports(values: list[str]) -> list[int]:
    found = []
    for value in ",".join(values).split(","):
        if not value.isdigit() or not 0 < int(value) < 65536:
            raise errors.bad_request(f'query parameter "port" is invalid: {value!r}')
        found.append(int(value))
    return found


async def _refuse(scope: Scope, send: Send, error: StatusError) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    response = error_response(error)
    headers = [(b"content-type", b"application/json"),
               (b"content-length", str(len(response.body)).encode())]  # fmt: skip
    status = response.status
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})
