"""The ASGI application: authenticate, find out what is asked, hand it on, answer.

Server-neutral: everything is plain ASGI 3. An unexpected exception is logged and becomes a 500
Status; a traceback never reaches a client.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from cluster.apiserver.authn import impersonated, of_subprotocols
from cluster.apiserver.authz import MASTERS, attributes_of
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.http import (
    meta,
    podlog,
    proxying,
    questions,
    reads,
    reviews,
    tokens,
    watch,
    websockets,
    writes,
)
from cluster.apiserver.http.request import (
    Receive,
    Request,
    Scope,
    Send,
    from_scope,
    locate,
    not_found,
    read_body,
)
from cluster.apiserver.http.responses import Response, error_response, send_response
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.http.streams import NAMES as STREAMS
from cluster.apiserver.operations import User
from cluster.apiserver.resources import PODS, SERVICES
from cluster.machinery import errors
from cluster.machinery.errors import StatusError

log = logging.getLogger(__name__)
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
ACTIONS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


def build_app(server: ApiServer) -> Application:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _http(server, scope, receive, send)
        elif scope["type"] == "websocket":
            await _websocket(server, scope, receive, send)

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _http(server: ApiServer, scope: Scope, receive: Receive, send: Send) -> None:
    request = from_scope(scope, User(""))
    try:
        response = await _answer(server, request, scope, receive)
    except StatusError as error:
        response = error_response(error)
    except ConnectionError:
        return
    except Exception:
        log.exception("%s %s", request.method, request.path)
        response = error_response(errors.internal_error("see the server's log"))
    if request.resource is not None and request.resource.warning:
        request.warnings.insert(0, request.resource.warning)
    key = (request.method, request.resource.plural if request.resource else "", response.status)
    server.requests[key] = server.requests.get(key, 0) + 1
    await send_response(request, response, send, receive)


async def _websocket(server: ApiServer, scope: Scope, receive: Receive, send: Send) -> None:
    """A handshake is a GET that everything is asked of a GET."""

    async def admit(request: Request) -> None:
        await _answer(server, request, scope, receive)

    await websockets.serve(server, from_scope(scope, User("")), scope, receive, send, admit)


async def _answer(server: ApiServer, request: Request, scope: Scope, receive: Receive) -> Response:
    request.user = _user(server, request, scope)
    if MASTERS not in request.user.groups:
        _authorize(server, request, scope)
    if request.method not in ACTIONS:
        raise errors.StatusError(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
            {},
        )
    if request.method in ("POST", "PUT", "PATCH", "DELETE"):
        request.body = await read_body(receive)
    if review := reviews.find(request):
        return reviews.answer(server, request, review)
    proxying.split(request)
    if locate(request, server.find_resource):
        return await _resource(server, request)
    if request.method not in ("GET", "HEAD"):
        raise errors.StatusError(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
            {},
        )
    return tokens.document(server, request) or meta.answer(server, request)


def _authorize(server: ApiServer, request: Request, scope: Scope) -> None:
    """Raises StatusError 403, also for what does not exist."""
    asked = attributes_of(request.method, request.path, request.query)
    if scope["type"] == "websocket" and asked.subresource in STREAMS:
        # A handshake is a GET. Upstream asks for create, too, and refuses who may only create;
        # kubectl then goes on over SPDY, which asks for create alone. There is no SPDY here.
        asked = asked._replace(verb="create")
    server.authorizer.authorize(request.user, asked)


def _user(server: ApiServer, request: Request, scope: Scope) -> User:
    """Who asks, and whom they act as. Raises StatusError 401 or 403."""
    asserted: User | None = scope.get("orrery_user")  # an outer application has authenticated
    if asserted is not None:
        return asserted
    user = server.authenticator.identify(
        scope.get("client_cert"),
        request.headers.get("authorization") or of_subprotocols(scope.get("subprotocols")),
        request.path,
        foreign=scope.get("foreign_cert", False),
        credential=scope.get("client_cert_id", ""),
    )
    return impersonated(server.authorizer, user, scope["headers"])


async def _resource(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    verb = ACTIONS[request.method]
    if verb == "get" and not request.name:
        verb = "watch" if request.flag("watch") else "list"
    if isinstance(resource, CustomResource) and resource.version_info.deprecation:
        request.warnings.append(resource.version_info.deprecation)
    if request.subresource and request.subresource not in resource.subresources:
        raise not_found()
    if not request.subresource and verb not in resource.verbs:
        raise errors.method_not_allowed(resource.plural, resource.group, request.method.lower())
    if questions.asked(request, verb):
        return await questions.answer(server, request, verb)
    if request.subresource in STREAMS:
        return websockets.answer(server, request)
    if request.subresource == "token":
        return tokens.answer(server, request, verb)
    if request.subresource == "proxy" and resource in (PODS, SERVICES):
        return await proxying.answer(server, request)
    if request.subresource == "log" and verb == "get":
        return podlog.log(server, request)
    if verb == "watch" or (verb == "get" and request.flag("watch")):
        return watch.watch(server, request)
    if verb in ("list", "get"):
        read = partial(reads.list_ if verb == "list" else reads.get, server, request)
        if isinstance(resource, CustomResource) and resource.asks_outside:
            return await server.outside(read)
        return read()
    if not request.name and verb in ("update", "patch"):
        raise errors.method_not_allowed(resource.plural, resource.group, request.method.lower())
    if resource.namespaced and not request.namespace:
        raise errors.method_not_allowed(resource.plural, resource.group, request.method.lower())
    if verb == "delete" and not request.name:
        return await writes.delete_collection(server, request)
    handler: Any = {
        "create": writes.create, "update": writes.update, "patch": writes.patch,
        "delete": writes.delete,
    }[verb]  # fmt: skip
    response: Response = await handler(server, request)
    return response
