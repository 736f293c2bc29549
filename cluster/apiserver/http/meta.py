"""What is not a resource: discovery, OpenAPI, version, health, metrics."""

from __future__ import annotations

import re
from hashlib import sha256

from cluster.apiserver import discovery
from cluster.apiserver.custom import published
from cluster.apiserver.http.request import Request, not_found
from cluster.apiserver.http.responses import Response, accepted, json_response, text_response
from cluster.apiserver.http.server import GIT_VERSION, ApiServer

GROUP_PATH = re.compile(r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)(?:/(?P<version>[^/]+))?)")
OPENAPI_PATH = re.compile(
    r"/openapi/v3/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
)
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
CHECKS = (
    "ping",
    "log",
    "etcd",
    "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
)
NO_PAGE = "404 page not found\n"


def answer(server: ApiServer, request: Request) -> Response:
    path = request.path
    if path in ("/healthz", "/livez", "/readyz") or path.startswith(
        ("/livez/", "/readyz/", "/healthz/")
    ):
        return _health(server, request)
    if path == "/version":
        return json_response(version())
    if path == "/metrics":
        return _metrics(server)
    if path == "/":
        paths = [
            "/api",
            "/api/v1",
            "/apis",
            "/healthz",
            "/livez",
            "/metrics",
            "/openapi/v2",
            "/openapi/v3",
            "/readyz",
            "/version",
        ]
        return json_response({"paths": paths})
    if path in ("/api", "/apis"):
        return _groups(server, request)
    if path == "/openapi/v2":
        if "protobuf" in request.headers.get("accept", ""):
            return _cached(request, published.v2_protobuf(server.catalog), V2_PROTOBUF)
        return _cached(request, published.v2_json(server.catalog))
    if path == "/openapi/v3":
        return _cached(request, published.v3_index(server.catalog))
    if match := OPENAPI_PATH.fullmatch(path):
        group, name = match["group"] or "", match["core"] or match["version"]
        if name not in published.groups(server.catalog).get(group, ()):
            raise not_found()
        return _cached(request, published.v3_document(server.catalog, group, name))
    if match := GROUP_PATH.fullmatch(path):
        server.cacher.refresh()
        return _group(server, match["group"] or "", match["core"] or match["version"] or "")
    raise not_found()


def version() -> dict[str, str]:
    major, minor, _ = GIT_VERSION[1:].split(".")
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "gitVersion": GIT_VERSION,
        "gitCommit": "66452049f3d692768c39c797b21b793dce80314e",
        "gitTreeState": "clean",
        "buildDate": "2025-12-17T12:32:07Z",
        "goVersion": "go1.25.5",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _groups(server: ApiServer, request: Request) -> Response:
    core = request.path == "/api"
    server.cacher.refresh()
    if accepted(request).form == "APIGroupDiscoveryList":
        out = json_response(published.aggregated(server.catalog, core))
        out.content_type = AGGREGATED
        return out
    return json_response(
        discovery.api_versions(server.address)
        if core
        else discovery.api_group_list(published.served(server.catalog))
    )


def _group(server: ApiServer, group: str, name: str) -> Response:
    if not name:
        if group not in published.groups(server.catalog):
            raise not_found()
        found = discovery.api_group(group, published.served(server.catalog))
        return json_response({"kind": "APIGroup", "apiVersion": "v1", **found})
    listed = discovery.api_resource_list(group, name, published.served(server.catalog))
    if listed is None:
        raise not_found()
    return json_response(listed)


def _cached(request: Request, body: bytes, content_type: str = "application/json") -> Response:
    etag = f'"{sha256(body).hexdigest()[:32].upper()}"'
    headers = {"etag": etag, "vary": "Accept-Encoding, Accept"}
    if request.headers.get("if-none-match") == etag:
        return Response(304, b"", content_type, headers)
    return Response(200, body, content_type, headers)


def _health(server: ApiServer, request: Request) -> Response:
    """Models k8s.io/apiserver/pkg/server/healthz: one check, or all that are not excluded."""
    server.cacher.refresh()  # fails when the store does
    name, _, single = request.path.strip("/").partition("/")
    checks = CHECKS + (("shutdown",) if name == "readyz" else ())
    if single:
        return text_response("ok") if single in checks else text_response(NO_PAGE, 404)
    excluded = [value for key, value in request.pairs if key == "exclude"]
    lines = [f"[+]{c} excluded: ok" if c in excluded else f"[+]{c} ok" for c in checks]
    if unknown := [f'"{e}"' for e in excluded if e not in checks]:
        lines.append(
            f"warn: some health checks cannot be excluded: no matches for {', '.join(unknown)}"
        )
    if "verbose" not in request.query:
        return text_response("ok")
    return text_response("\n".join([*lines, f"{name} check passed", ""]))


def _metrics(server: ApiServer) -> Response:
    lines = [
        "# HELP apiserver_request_total [STABLE] Counter of apiserver requests.",
        "# TYPE apiserver_request_total counter",
    ]
    for (verb, resource, code), count in sorted(server.requests.items()):
        lines.append(
            f'apiserver_request_total{{code="{code}",resource="{resource}",verb="{verb}"}} {count}'
        )
    return text_response("\n".join(lines) + "\n")
