"""serviceaccounts/token, and the two documents by which others check such tokens.

Models pkg/registry/core/serviceaccount/storage/token.go and pkg/routes/openidmetadata.go.
"""

from __future__ import annotations

from cluster.apiserver.admission.node_restriction import token_problem
from cluster.apiserver.authn.serviceaccounts import (
    EXTENDED_SECONDS,
    MIN_SECONDS,
    PROJECTED_SECONDS,
    ServiceAccountTokens,
)
from cluster.apiserver.authz.node import node_of
from cluster.apiserver.http import typed
from cluster.apiserver.http.request import Request, not_found
from cluster.apiserver.http.responses import Response, json_response
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from cluster.machinery import errors
from cluster.machinery.clock import format_time
from cluster.machinery.errors import Cause, invalid_value
from cluster.machinery.meta import Object

GROUP = "authentication.k8s.io"
DEFAULT_SECONDS = 3600
MAX_SECONDS = 1 << 32
BINDABLE: dict[tuple[str, str], Resource] = {
    ("v1", "Pod"): PODS,
    ("v1", "Secret"): SECRETS,
    ("v1", "Node"): NODES,
}
CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/openid/v1/jwks"


def answer(server: ApiServer, request: Request, verb: str) -> Response:
    tokens = server.tokens
    if tokens is None:
        raise not_found()
    if verb != "create":
        raise errors.method_not_allowed("serviceaccounts", "", verb)
    body = typed.body_of(request, GROUP, "TokenRequest")
    account = server.find(SERVICE_ACCOUNTS, request.namespace, request.name)
    if account is None:
        raise errors.not_found("serviceaccounts", "", request.name)
    spec = {"expirationSeconds": DEFAULT_SECONDS, **(body.get("spec") or {})}
    causes = _check_seconds(spec["expirationSeconds"])
    if causes:
        raise errors.invalid("TokenRequest", GROUP, "", causes)
    bound = _bound(server, request, spec.get("boundObjectRef"), account)
    node = node_of(request.user)
    why = token_problem(node, spec.get("boundObjectRef") or {}, bound) if node else ""
    if why:
        raise errors.forbidden("serviceaccounts", "", request.name, why)
    spec["audiences"] = list(spec.get("audiences") or tokens.audiences)
    return _issued(server, tokens, account, spec, bound)


def _issued(
    server: ApiServer,
    tokens: ServiceAccountTokens,
    account: Object,
    spec: Object,
    bound: Object | None,
) -> Response:
    seconds, audiences = spec["expirationSeconds"], tuple(spec["audiences"])
    extended = _is_extended(spec, bound, audiences == tokens.audiences)
    lasts = EXTENDED_SECONDS + PROJECTED_SECONDS if extended else seconds
    token = tokens.issue(account, lasts, audiences, bound, PROJECTED_SECONDS if extended else 0)
    now = server.clock.now()
    meta = {
        "name": account["metadata"]["name"],
        "namespace": account["metadata"]["namespace"],
        "creationTimestamp": format_time(now),
    }
    status = {"token": token, "expirationTimestamp": format_time(int(now) + seconds)}
    out = {"kind": "TokenRequest", "apiVersion": f"{GROUP}/v1", "metadata": meta}
    return json_response({**out, "spec": spec, "status": status}, 201)


def _check_seconds(seconds: int) -> list[Cause]:
    path = "spec.expirationSeconds"
    if seconds < MIN_SECONDS:
        text = "may not specify a duration less than 10 minutes"
        return [invalid_value(path, seconds, text)]
    if seconds > MAX_SECONDS:
        return [invalid_value(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def _is_extended(spec: Object, bound: Object | None, ours: bool) -> bool:
    in_pod = bound is not None and bound["kind"] == "Pod"
    return in_pod and ours and spec["expirationSeconds"] == PROJECTED_SECONDS


def _bound(
    server: ApiServer, request: Request, ref: Object | None, account: Object
) -> Object | None:
    """The object the token is to be bound to. Raises StatusError."""
    if not ref:
        return None
    kind, name = ref.get("kind") or "", ref.get("name") or ""
    resource = BINDABLE.get((ref.get("apiVersion") or "v1", kind))
    if resource is None:
        text = f"cannot bind token to object of type {ref.get('apiVersion', '')}, Kind={kind}"
        raise errors.bad_request(text)
    found = server.find(resource, request.namespace if resource.namespaced else "", name)
    if found is None:
        raise errors.not_found(resource.plural, "", name)
    if resource is PODS and found["spec"].get("serviceAccountName") != account["metadata"]["name"]:
        raise errors.bad_request(
            f'cannot bind token for serviceaccount "{request.name}" to pod running with different '
            "serviceaccount name."
        )
    uid = ref.get("uid") or found["metadata"]["uid"]
    if uid != found["metadata"]["uid"]:
        why = (
            f"the UID in the bound object reference ({uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise errors.conflict(resource.plural, "", name, why)
    return found


def document(server: ApiServer, request: Request) -> Response | None:
    """None for every other path."""
    if server.tokens is None or request.method != "GET":
        return None
    if request.path == CONFIGURATION:
        out = json_response(server.tokens.configuration(f"https://{server.address}"))
    elif request.path == KEYS:
        out = json_response(server.tokens.keys())
        out.content_type = "application/jwk-set+json"
    else:
        return None
    out.headers = {**out.headers, "cache-control": "public, max-age=3600"}
    return out
