"""The dashboard port's ASGI application, and where the dashboard gets its cluster from."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster.settings")
_django = get_asgi_application()

# Only now are Django's apps there for these to import.
from cluster.apiserver import writtenlogs  # noqa: E402
from cluster.apiserver.http.logs import LogRequest, LogSource  # noqa: E402
from cluster.client import kinds  # noqa: E402
from cluster.kubelet.logsource import RuntimeLogs  # noqa: E402
from cluster.kubelet.pictures import Pictures  # noqa: E402
from cluster.machinery.meta import Object  # noqa: E402
from cluster.simulation.network import surroundings  # noqa: E402
from dashboard import door  # noqa: E402
from dashboard.rest import KubernetesPaths  # noqa: E402
from dashboard.routing import websocket_app  # noqa: E402
from workers.apiwiring import api_server, with_hints  # noqa: E402
from workers.tailing import Tail  # noqa: E402
from workers.wiring import Live, connect  # noqa: E402

App = Callable[[Any, Any, Any], Awaitable[None]]


class _Api:
    """The Kubernetes API in this process; made, with its watch cache, for the first request."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._app: App | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            # The watch cache reads the log from the event loop, as in `manage.py apiserver`.
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
            server, live = api_server(self._live)
            self._app = with_hints(server, live)
        await self._app(scope, receive, send)


class _Logs:
    """Containers' logs as the drawer wants them."""

    def __init__(self, source: LogSource) -> None:
        self._source = source

    def tail(self, pod: Object, container: str, lines: int) -> list[str]:
        found = self._source.read(pod, LogRequest(container, tail=lines))
        return [line.decode(errors="replace").rstrip("\n") for line in found]


def _open_door() -> Live:
    live = connect()

    def find(namespace: str, name: str) -> Object | None:
        return live.registry.find(kinds.PODS, namespace, name)

    around = surroundings(live.client("dashboard"), live.clock, live.store)
    written = partial(writtenlogs.lines, live.store)
    pictures = Pictures(around)
    logs = _Logs(RuntimeLogs(live.clock, find, lambda: live.clock.anchor, written, pictures))
    door.configure(live.client, lambda wake: Tail(live, settings.REDIS_URL, wake).run(), logs)
    return live


def _http() -> App:
    if not settings.REDIS_URL:  # this process was not started by `up`, and has no cluster
        return _django
    return KubernetesPaths(_Api(_open_door()), _django)


application = ProtocolTypeRouter({"http": _http(), "websocket": websocket_app})
