"""WATCH: a stream of events, encoded once for all who watch in the same form.

Models k8s.io/apiserver's cacher watches: initial events, bookmarks, selector transitions, and 410
as an ERROR event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson

from cluster.apiserver import tables
from cluster.apiserver.cacher import Corrupt, Entry, Watcher, WatchEvent
from cluster.apiserver.http import derived
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import Response, accepted
from cluster.apiserver.http.selection import Selection, selection
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.managed.shapes import SHAPES
from cluster.apiserver.resources import Resource
from cluster.etcd.api import CompactedError
from cluster.machinery import errors

BOOKMARK_SECONDS = 60.0
DEFAULT_TIMEOUT = 1800.0  # --min-request-timeout, which upstream doubles at random
INITIAL_END = "k8s.io/initial-events-end"


class Encoder:
    """Events in the form one watcher accepts. Table columns go out with the first one only."""

    def __init__(self, server: ApiServer, request: Request, resource: Resource) -> None:
        self._server = server
        self._resource = resource
        form = accepted(request).form
        self._form = "Partial" if form.startswith("Partial") else form
        self._include = request.query.get("includeObject", "Metadata")
        self._with_columns = True

    def event(self, kind: str, entry: Entry, event: WatchEvent | None = None) -> bytes:
        if self._form == "Table":
            return self._line(kind, self._row(entry, event))
        if derived.is_derived(self._resource) or self._form == "Partial":
            obj = self._decoded(entry, event)
            return self._line(kind, tables.partial(obj) if self._form else obj)
        if event is None:
            return _wrap(kind, entry.body)
        cached = event.encoded.get(kind)
        if cached is None:
            cached = event.encoded[kind] = _wrap(kind, _body(entry, event))
        return cached

    def _decoded(self, entry: Entry, event: WatchEvent | None) -> dict[str, Any]:
        obj = derived.decoded(self._resource, entry, self._server.clock.now())
        if event is not None and event.new is None:
            obj["metadata"]["resourceVersion"] = str(event.revision)
        return obj

    def _row(self, entry: Entry, event: WatchEvent | None) -> dict[str, Any]:
        obj = self._decoded(entry, event)
        meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        now = self._server.clock.now()
        out = tables.table(self._resource, [obj], meta, now, self._include, self._with_columns)
        self._with_columns = False
        return out

    def bookmark(self, revision: int, initial: bool = False) -> bytes:
        meta: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial:
            meta["annotations"] = {INITIAL_END: "true"}
        resource = self._resource
        obj: dict[str, Any] = {
            "kind": resource.kind,
            "apiVersion": resource.api_version,
            "metadata": meta,
        }
        if self._form == "Table":
            row = {"cells": [], "object": tables.partial(obj)}
            obj = {
                "kind": "Table",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": str(revision)},
                "columnDefinitions": None,
                "rows": [row],
            }
        elif self._form == "Partial":
            obj = tables.partial(obj)
        return self._line("BOOKMARK", obj)

    @staticmethod
    def _line(kind: str, obj: dict[str, Any]) -> bytes:
        return _wrap(kind, SHAPES.expand(orjson.dumps(obj)))


def _wrap(kind: str, body: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), body)


def _body(entry: Entry, event: WatchEvent) -> bytes:
    """A deleted object is shown as it was last, at the revision of its deletion."""
    if event.new is not None:
        return entry.body
    old = b'"resourceVersion":"%d"' % entry.revision
    return entry.body.replace(old, b'"resourceVersion":"%d"' % event.revision, 1)


def watch(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    wanted = selection(request, resource)
    if request.name:
        request.query["fieldSelector"] = f"metadata.name={request.name}"
        wanted = selection(request, resource)
    version = request.query.get("resourceVersion", "")
    if version and not version.isdigit():
        cause = errors.invalid_value("resourceVersion", version, "must be a number")
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [cause])
    _check_initial(request)
    return Response(stream=_Stream(server, request, resource, wanted).run())


def _check_initial(request: Request) -> None:
    if request.flag("sendInitialEvents") and not request.query.get("resourceVersionMatch"):
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        cause = errors.forbidden_field("sendInitialEvents", text)
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [cause])


class _Stream:
    def __init__(
        self, server: ApiServer, request: Request, resource: Resource, wanted: Selection
    ) -> None:
        self._server = server
        self._request = request
        self._resource = resource
        self._wanted = wanted
        self._encoder = Encoder(server, request, resource)
        self._bookmarks = request.flag("allowWatchBookmarks")
        self._news = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._watcher = Watcher(wake)

    async def run(self) -> AsyncIterator[bytes]:
        server, cacher = self._server, self._server.cacher
        server.cacher.refresh()
        version = int(self._request.query.get("resourceVersion") or 0)
        initial = self._request.flag("sendInitialEvents") or (
            version == 0 and "sendInitialEvents" not in self._request.query
        )
        after = cacher.revision if initial or not version else version
        try:
            past = cacher.watch(self._resource, self._watcher, after)
        except CompactedError as error:
            yield self._gone(f"too old resource version: {after} ({error.compacted})")
            return
        try:
            if initial:
                yield self._initial(after)
            if past:
                yield self._encode(past)
            async for chunk in self._follow():
                yield chunk
        finally:
            cacher.unwatch(self._resource, self._watcher)

    def _initial(self, revision: int) -> bytes:
        found, _ = self._server.cacher.select(self._resource, self._request.namespace)
        lines = [
            self._encoder.event("ADDED", entry)
            for entry in found
            if entry.revision <= revision
            and not isinstance(entry, Corrupt)
            and self._wanted.matches(entry)
        ]
        if self._request.flag("sendInitialEvents") and self._bookmarks:
            lines.append(self._encoder.bookmark(revision, initial=True))
        return b"".join(lines)

    async def _follow(self) -> AsyncIterator[bytes]:
        """Until the request's timeout, or until the watcher lagged too far behind."""
        loop = asyncio.get_running_loop()
        end = loop.time() + float(self._request.number("timeoutSeconds") or DEFAULT_TIMEOUT)
        while True:
            self._news.clear()
            events = list(self._watcher.queue)
            self._watcher.queue.clear()
            if events and (chunk := self._encode(events)):
                yield chunk
            if self._watcher.ended:
                return
            if self._watcher.overflowed:
                yield self._gone("too old resource version: the watch fell behind")
                return
            left = end - loop.time()
            if left <= 0:
                return
            try:
                await asyncio.wait_for(self._news.wait(), min(BOOKMARK_SECONDS, left))
            except TimeoutError:
                if self._bookmarks and end > loop.time():
                    yield self._encoder.bookmark(self._server.cacher.revision)

    def _encode(self, events: list[WatchEvent]) -> bytes:
        """Selectors turn a change into an appearance or a disappearance."""
        namespace, wanted = self._request.namespace, self._wanted
        lines = []
        for event in events:
            entry = event.new or event.old
            assert entry is not None
            if namespace and entry.namespace != namespace:
                continue
            before = event.old is not None and wanted.matches(event.old)
            after = event.new is not None and wanted.matches(event.new)
            if after and event.new is not None:
                lines.append(
                    self._encoder.event("MODIFIED" if before else "ADDED", event.new, event)
                )
            elif before and event.old is not None:
                lines.append(self._encoder.event("DELETED", event.new or event.old, event))
        return b"".join(lines)

    @staticmethod
    def _gone(text: str) -> bytes:
        return _wrap("ERROR", orjson.dumps(errors.gone(text).status()))
