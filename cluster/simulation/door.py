"""The API server's door for programs in pods: requests to 10.96.0.1 without a socket.

A container's programs do not wait for Python's event loop, so only what the API server answers at
once is answered: reads, reviews, and every refusal. Not here: watches, writes from inside pods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cluster.runtime.web import Answer

App = Callable[[Any, Any, Any], Awaitable[None]]
LARGEST = 4 * 1024 * 1024


class _Waits(Exception):
    """It would take longer."""


def door(app: App) -> Callable[[str, str, dict[str, str], bytes], Answer]:
    def ask(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        where, _, query = path.partition("?")
        pairs = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        scope = {
            "type": "http", "method": method, "path": where, "query_string": query.encode(),
            "headers": pairs, "http_version": "1.1",
        }  # fmt: skip
        found = Answer(503, b"", {"Content-Type": "application/json"})
        pieces: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                found.status = message["status"]
                found.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                pieces.append(message.get("body", b""))
                if sum(map(len, pieces)) > LARGEST:
                    raise _Waits

        running: Any = app(scope, receive, send).__await__()
        try:
            running.send(None)
            running.close()
            found.status = 504 if not pieces else found.status
        except (StopIteration, _Waits):
            pass
        found.body = b"".join(pieces)
        return found

    return ask
