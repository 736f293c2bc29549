"""The Kubernetes API under the dashboard's port, for people with a session here.

Dispatches the API's paths to the API server's own ASGI application, raw; all others go on to
Django. Bearer tokens pass through untouched. A session becomes an identity of the same form as a
client certificate's, (name, groups); for unsafe methods it needs the CSRF token as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import orjson
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from cluster.machinery.errors import StatusError
from dashboard.access import identity, may

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
ROOTS = frozenset({"api", "apis", "openapi", "version"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_csrf = CsrfViewMiddleware(lambda request: HttpResponse())


def is_kubernetes(path: str) -> bool:
    """`/api`, `/apis/apps/v1`... but not `/apiary`."""
    return path.lstrip("/").partition("/")[0] in ROOTS


class KubernetesPaths:
    def __init__(self, api: App, others: App) -> None:
        self._others = others
        self._api = api
        self._with_session: App = AuthMiddlewareStack(self._as_person)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not is_kubernetes(scope["path"]):
            await self._others(scope, receive, send)
        elif any(name == b"authorization" for name, _ in scope["headers"]):
            await self._api(scope, receive, send)
        else:
            await self._with_session(scope, receive, send)

    async def _as_person(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            who = await database_sync_to_async(_identify)(scope)
        except StatusError as error:
            await _refuse(error, send)
            return
        # Nobody: the API server says 401 in its own words.
        inner = scope if who is None else {**scope, "client_cert": who}
        await self._api(inner, receive, send)


def _identify(scope: Scope) -> tuple[str, list[str]] | None:
    """Who the session's person is to the API server. Raises StatusError 403."""
    user = scope["user"]
    if not may(user, "view"):
        return None
    name, groups = identity(user)
    if scope["method"] not in SAFE:
        _check_unsafe(scope, name)
    return name, list(groups)


def _check_unsafe(scope: Scope, name: str) -> None:
    request = ASGIRequest({**scope, "type": "http"}, BytesIO())
    _csrf.process_request(request)
    if _csrf.process_view(request, HttpResponse, (), {}) is not None:
        raise _forbidden("CSRF: send the csrftoken cookie's value as X-CSRFToken, from this origin")
    if not may(scope["user"], "operate"):
        raise _forbidden(f'User "{name}" may only read')


def _forbidden(why: str) -> StatusError:
    return StatusError(403, "Forbidden", f"forbidden: {why}")


async def _refuse(error: StatusError, send: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": error.code, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(error.status())})
