"""A webhook that does as it is told, listening on this machine."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from cluster.machinery import pki

Reply = Callable[[dict[str, Any]], dict[str, Any]]


class Webhook:
    """`reply` makes the response from the request; uid and envelope are added."""

    def __init__(self, directory: Path, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[dict[str, Any]] = []
        pki.ensure(directory, datetime.now(UTC))
        self.bundle = base64.b64encode((directory / "ca.crt").read_bytes()).decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "apiserver.crt", directory / "apiserver.key")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                review = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
                hook.asked.append(review["request"])
                answer = hook.reply(review["request"])
                review["response"] = {"uid": review.pop("request")["uid"], **answer}
                body = orjson.dumps(review)
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                return None

        return Handler

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/admit"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    text = base64.b64encode(orjson.dumps(operations)).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": text}
