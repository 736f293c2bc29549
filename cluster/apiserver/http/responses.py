"""Answers: JSON, YAML, Table or PartialObjectMetadata, as the client accepts them."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml

from cluster.apiserver.http.request import Receive, Request, Send
from cluster.apiserver.managed.shapes import SHAPES
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

GZIP_FROM = 128 * 1024
JSON_TYPE = "application/json"


@dataclass(slots=True)
class Response:
    """`stream` replaces `body` for answers that go on."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Accept:
    """One entry of the Accept header that we can serve: `form` is Table, PartialObjectMetadata,
    PartialObjectMetadataList, APIGroupDiscoveryList or empty."""

    media: str = JSON_TYPE
    form: str = ""


FORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList", "APIGroupDiscoveryList")


def accepted(request: Request) -> Accept:
    """The first form that we serve; plain JSON when none is named."""
    for entry in request.headers.get("accept", "").split(","):
        media, *parameters = [p.strip() for p in entry.split(";")]
        options = dict(p.split("=", 1) for p in parameters if "=" in p)
        form = options.get("as", "")
        if media in ("application/json", "*/*", "application/*", ""):
            if form in FORMS and options.get("v") in ("v1", "v2", None):
                return Accept(JSON_TYPE, form)
            if not form:
                return Accept()
        if media in ("application/yaml", "application/x-yaml") and not form:
            return Accept("application/yaml")
    return Accept()


def json_response(value: Any, status: int = 200) -> Response:
    return Response(status, SHAPES.expand(orjson.dumps(value)))


def text_response(text: str, status: int = 200) -> Response:
    return Response(
        status, text.encode(), "text/plain; charset=utf-8", {"x-content-type-options": "nosniff"}
    )


def error_response(error: StatusError) -> Response:
    out = json_response(error.status(), error.code)
    retry = (error.details or {}).get("retryAfterSeconds")
    if retry:
        out.headers["retry-after"] = str(retry)
    return out


def object_response(request: Request, obj: Object, status: int = 200) -> Response:
    """A single object in plain form."""
    if accepted(request).media == "application/yaml":
        plain = orjson.loads(SHAPES.expand(orjson.dumps(obj)))
        return Response(status, yaml.safe_dump(plain, sort_keys=False).encode(), "application/yaml")
    return json_response(obj, status)


def warning_header(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'


async def send_response(request: Request, response: Response, send: Send, receive: Receive) -> None:
    body, headers = response.body, dict(response.headers)
    if len(body) > GZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["content-encoding"] = "gzip"
        headers["vary"] = "Accept-Encoding"
    pairs = [
        (b"content-type", response.content_type.encode()),
        (b"cache-control", b"no-cache, private"),
        *((k.encode(), v.encode()) for k, v in headers.items()),
        *((b"warning", warning_header(w).encode("utf-8")) for w in request.warnings),
    ]
    if response.stream is None:
        pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": pairs})
    if response.stream is None:
        shown = b"" if request.method == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})
        return
    # Some servers write the headers with the first piece of the body: an idle watch needs one.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    await _stream(response.stream, send, receive)


async def _stream(stream: AsyncIterator[bytes], send: Send, receive: Receive) -> None:
    """Until it ends, or until nobody listens: a client that goes away ends its watch at once."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        while True:
            chunk = asyncio.ensure_future(_next(stream))
            await asyncio.wait({chunk, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                chunk.cancel()
                await asyncio.wait({chunk})
                return
            body = chunk.result()
            await send({"type": "http.response.body", "body": body, "more_body": bool(body)})
            if not body:
                return
    finally:
        gone.cancel()
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    """The next piece that is not empty; nothing at the end."""
    async for chunk in stream:
        if chunk:
            return chunk
    return b""


async def _disconnected(receive: Receive) -> None:
    """The body was read, or there was none: what comes after it is the end of the connection."""
    for _ in range(2):
        if (await receive())["type"] == "http.disconnect":
            return
    await asyncio.Event().wait()
