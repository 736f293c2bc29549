"""Websocket routes, and who may open one: a page of this very origin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path

from dashboard.consumers import StateConsumer

Scope = dict[str, Any]
App = Callable[
    [Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Awaitable[Any]
]


class SameOrigin:
    """Refuses a handshake whose Origin is not the host that was asked."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers") or ())
        origin, host = headers.get(b"origin", b"").decode("latin-1"), headers.get(b"host", b"")
        if urlsplit(origin).netloc.lower() != host.decode("latin-1").lower():
            await send({"type": "websocket.close", "code": 4403})
            return
        await self.app(scope, receive, send)


class NoSuchSocket:
    """Any other path: a refusal instead of an exception in the log."""

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 4404})


_ROUTES: list[Any] = [
    path("ws/state", StateConsumer.as_asgi()),
    path("<path:other>", NoSuchSocket()),  # type: ignore[arg-type]
]
websocket_app = SameOrigin(AuthMiddlewareStack(URLRouter(_ROUTES)))
