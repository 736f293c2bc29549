"""A minimal HTTPS client for the benches: one keep-alive connection, JSON in, JSON out.

Deliberately thin, so that what is measured is the server.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class Kubeconfig:
    """Where the API is and the TLS context that a self-contained kubeconfig describes."""

    def __init__(self, path: Path) -> None:
        config = yaml.safe_load(path.read_text())
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        parts = urlsplit(cluster["server"])
        assert parts.hostname and parts.port
        self.host, self.port = parts.hostname, parts.port
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.context = ssl.create_default_context(cadata=ca)
        with tempfile.NamedTemporaryFile(suffix=".pem") as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]))
            pem.write(base64.b64decode(user["client-key-data"]))
            pem.flush()
            self.context.load_cert_chain(pem.name)


class Api:
    """One connection; use one per thread."""

    def __init__(self, config: Kubeconfig) -> None:
        self._config = config
        self._connection = self._connect()

    def _connect(self) -> HTTPSConnection:
        config = self._config
        return HTTPSConnection(config.host, config.port, context=config.context, timeout=120)

    def raw(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> bytes:
        """The answer's body. RuntimeError for a status of 400 and above."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": kind, "Accept": "application/json"}
        self._connection.request(method, path, body=data, headers=headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:300]!r}")
        return answer

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        return json.loads(self.raw(method, path, body, kind))

    def watch(self, path: str) -> Iterator[tuple[str, Any]]:
        """(type, object) of each event, on a connection of its own."""
        connection = self._connect()
        connection.request("GET", path)
        response: HTTPResponse = connection.getresponse()
        try:
            while line := response.readline():
                event = json.loads(line)
                yield event["type"], event["object"]
        finally:
            connection.close()
