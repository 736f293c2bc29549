"""The dashboard port's ASGI application: Kubernetes paths, websockets, and the rest to Django."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster.settings")
django_app = get_asgi_application()

# Only after Django is set up: these import models.
from channels.routing import ProtocolTypeRouter  # noqa: E402

from dashboard.routing import websocket_app  # noqa: E402

application = ProtocolTypeRouter({"http": django_app, "websocket": websocket_app})
