"""GET and LIST, from the watch cache or, for the past, from the log."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver import tables
from cluster.apiserver.cacher import Entry, entry_of
from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.http import derived, virtual
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import (
    Response,
    accepted,
    json_response,
    object_response,
)
from cluster.apiserver.http.selection import (
    LATEST,
    RESTORED,
    ExpiredTokenError,
    Token,
    decode_token,
    selection,
)
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.kinds import strategy_for
from cluster.apiserver.operations import Operation
from cluster.apiserver.resources import Resource
from cluster.apiserver.strategy import Context
from cluster.etcd.api import CompactedError, prefix_end
from cluster.machinery import errors
from cluster.machinery.meta import Object


def catch_up(server: ApiServer, request: Request) -> None:
    """A read without a resourceVersion shows every write that was committed before it came."""
    if request.query.get("resourceVersion") != "0":
        server.cacher.refresh()


def get(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    catch_up(server, request)
    if resource.virtual:
        entry = virtual.find(server, resource, request.namespace, request.name)
    else:
        entry = server.cacher.get(resource, request.namespace, request.name)
    if entry is None:
        raise errors.not_found(resource.plural, resource.group, request.name)
    if request.subresource:
        return object_response(request, view(server, request, entry))
    accept = accepted(request)
    if not accept.form and accept.media == "application/json":
        return Response(200, derived.body(resource, entry, server.clock.now()))
    return shown(server, request, derived.decoded(resource, entry, server.clock.now()))


def view(server: ApiServer, request: Request, entry: Entry) -> Object:
    """What a GET of a subresource shows."""
    resource = request.resource
    assert resource is not None
    operation = Operation("update", resource, request.namespace, request.name, request.user)
    now = server.clock.now()
    ctx = Context(operation, server.registry, now, server.registry.entropy)
    obj = derived.decoded(resource, entry, now)
    return strategy_for(resource).view(ctx, request.subresource, obj)


def shown(server: ApiServer, request: Request, obj: Object, status: int = 200) -> Response:
    """One object in the form the client accepts."""
    resource = request.resource
    assert resource is not None
    accept = accepted(request)
    if accept.form == "Table" and not request.subresource:
        meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = request.query.get("includeObject", "Metadata")
        return json_response(
            tables.table(resource, [obj], meta, server.clock.now(), include), status
        )
    if accept.form == "PartialObjectMetadata":
        return json_response(tables.partial(obj), status)
    return object_response(request, obj, status)


# ---- lists


def list_(server: ApiServer, request: Request) -> Response:
    resource = request.resource
    assert resource is not None
    wanted = selection(request, resource)
    limit = max(0, request.number("limit") or 0)  # a negative one is none, as upstream
    entries, revision, start = _range(server, request, resource)
    if start:
        entries = [e for e in entries if e.key > start]
    if not wanted.everything:
        entries = [e for e in entries if wanted.matches(e)]
    meta: dict[str, Any] = {"resourceVersion": str(revision)}
    if limit and len(entries) > limit:
        if wanted.everything:
            meta["remainingItemCount"] = len(entries) - limit
        entries = entries[:limit]
        store = server.registry.store
        meta["continue"] = Token(store.cluster, store.epoch, revision, entries[-1].key).encode()
    if isinstance(resource, CustomResource) and resource.asks_outside:
        resource.warm([entry.body for entry in entries])
    return _render(server, request, resource, entries, meta)


def _range(
    server: ApiServer, request: Request, resource: Resource
) -> tuple[list[Entry], int, bytes]:
    """(entries, revision, key to start behind)."""
    if resource.virtual:
        found = virtual.entries(server, resource, request.namespace)
        return found, server.cacher.revision, b""
    if token_text := request.query.get("continue"):
        token = decode_token(token_text)
        store = server.registry.store
        if (token.cluster, token.epoch) != (store.cluster, store.epoch):
            raise errors.gone(RESTORED)
        if request.query.get("resourceVersion", "0") not in ("", "0"):
            why = "specifying resource version is not allowed when using continue"
            raise errors.bad_request(why)
        if token.revision == LATEST:
            server.cacher.refresh()
            return (*server.cacher.select(resource, request.namespace), token.start)
        expired = ExpiredTokenError(token)
        return (*_at(server, request, resource, token.revision, expired), token.start)
    version = request.query.get("resourceVersion", "")
    match = request.query.get("resourceVersionMatch", "")
    _check_match(version, match)
    number = _version(version)
    if match == "Exact":
        text = f"The resourceVersion for the provided list is too old: {version}"
        return (*_at(server, request, resource, number, errors.gone(text)), b"")
    catch_up(server, request)
    if number > server.cacher.revision:
        server.cacher.refresh()
        if number > server.cacher.revision:
            raise _future(number, server.cacher.revision)
    return (*server.cacher.select(resource, request.namespace), b"")


def _check_match(version: str, match: str) -> None:
    if not match:
        return
    why = ""
    if not version:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match not in ("Exact", "NotOlderThan"):
        cause = errors.not_supported("resourceVersionMatch", match, ("Exact", "NotOlderThan", ""))
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [cause])
    elif match == "Exact" and version == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if why:
        cause = errors.forbidden_field("resourceVersionMatch", why)
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [cause])


def _version(text: str) -> int:
    if not text:
        return 0
    if not text.isdigit():
        cause = errors.invalid_value("resourceVersion", text, "must be a number")
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [cause])
    return int(text)


def _future(wanted: int, current: int) -> errors.StatusError:
    return errors.StatusError(
        504,
        "Timeout",
        f"Too large resource version: {wanted}, current: {current}",
        {
            "retryAfterSeconds": 1,
            "causes": [
                {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            ],
        },
    )


def _at(
    server: ApiServer,
    request: Request,
    resource: Resource,
    revision: int,
    too_old: errors.StatusError,
) -> tuple[list[Entry], int]:
    """The list exactly as it was at `revision`."""
    cacher = server.cacher
    cacher.refresh()
    if revision > cacher.revision:
        raise _future(revision, cacher.revision)
    shelf = cacher.shelf(resource)
    if shelf.since <= revision and (not shelf.window or shelf.window[-1].revision <= revision):
        return cacher.select(resource, request.namespace)[0], revision
    prefix = resource.namespace_prefix(request.namespace)
    try:
        found = server.registry.store.range(prefix, prefix_end(prefix), revision=revision)
    except CompactedError as error:
        raise too_old from error
    entries = [entry_of(resource, kv.key, kv.value, kv.mod_revision) for kv in found.kvs]
    return entries, revision


def _render(
    server: ApiServer, request: Request, resource: Resource, entries: list[Entry],
    meta: dict[str, Any],
) -> Response:  # fmt: skip
    accept, now = accepted(request), server.clock.now()
    if accept.form == "Table":
        objects = [derived.decoded(resource, e, now) for e in entries]
        include = request.query.get("includeObject", "Metadata")
        return json_response(tables.table(resource, objects, meta, now, include))
    if accept.form in ("PartialObjectMetadataList", "PartialObjectMetadata"):
        partial = [tables.partial(e.decode()) for e in entries]
        return json_response(
            {
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": meta,
                "items": partial,
            }
        )
    if accept.media == "application/yaml":
        return object_response(request, _plain(resource, meta, entries, now))
    head = b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[' % (
        resource.kind.encode(), resource.api_version.encode(), orjson.dumps(meta),
    )  # fmt: skip
    if derived.is_derived(resource):
        bodies = [derived.body(resource, e, now) for e in entries]
    else:
        bodies = [e.body for e in entries]
    return Response(200, b"".join((head, b",".join(bodies), b"]}\n")))


def _plain(resource: Resource, meta: dict[str, Any], entries: list[Entry], now: float) -> Object:
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": meta,
        "items": [derived.decoded(resource, e, now) for e in entries],
    }
