"""The dashboard port's ASGI application, and where the dashboard gets its cluster from."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster.settings")
_django = get_asgi_application()

# Only now are Django's apps there for these to import.
from dashboard import door  # noqa: E402
from dashboard.routing import websocket_app  # noqa: E402
from workers.tailing import Tail  # noqa: E402
from workers.wiring import connect  # noqa: E402


def _open_door() -> None:
    live = connect()
    door.configure(live.client, lambda wake: Tail(live, settings.REDIS_URL, wake).run())


if settings.REDIS_URL:  # else this process was not started by `up`, and has no cluster
    _open_door()
application = ProtocolTypeRouter({"http": _django, "websocket": websocket_app})
