"""Django's database connections in a process that reads the store from its event loop.

Django keeps connections in a local that, inside an event loop, is one a task: every HTTP
connection's task would open the database anew, and keep it open. Here the loop's thread has one.
"""

from __future__ import annotations

import os
import threading

from django.db import connections
from django.db.utils import ConnectionHandler


def one_a_thread(handler: ConnectionHandler = connections) -> None:
    """Called once, before the first connection is made."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    handler._connections = threading.local()  # type: ignore[attr-defined]
