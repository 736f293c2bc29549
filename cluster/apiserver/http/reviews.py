"""Questions about oneself and others, answered and not stored: whoami, can-i, token reviews."""

from __future__ import annotations

from typing import Any

from cluster.apiserver import discovery
from cluster.apiserver.authn import MASTERS
from cluster.apiserver.http import bodies
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import Response, json_response
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.operations import User
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object


def find(request: Request) -> str:
    """The kind of review a path names, or an empty string."""
    for group, version, plural, kind in discovery.REVIEWS:
        if request.path == f"/apis/{group}/{version}/{plural}":
            return kind
    return ""


def answer(server: ApiServer, request: Request, kind: str) -> Response:
    body = bodies.parse(request)
    spec: Object = (body.get("spec") or {}) if isinstance(body, dict) else {}
    user = request.user
    status: dict[str, Any]
    if kind == "SelfSubjectReview":
        status, spec = {"userInfo": _info(user)}, {}
    elif kind == "TokenReview":
        status = _token(server, spec)
    elif kind == "SelfSubjectRulesReview":
        status = _rules(user)
    else:
        groups = spec.get("groups") if kind == "SubjectAccessReview" else list(user.groups)
        status = {"allowed": MASTERS in (groups or ())}
    group = next(g for g, _, _, k in discovery.REVIEWS if k == kind)
    out = {
        "kind": kind,
        "apiVersion": f"{group}/v1",
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": status,
    }
    if kind == "SelfSubjectReview":
        del out["spec"]
    return json_response(out, 201)


def _info(user: User) -> dict[str, Any]:
    out: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        out["uid"] = user.uid
    return out


def _token(server: ApiServer, spec: Object) -> dict[str, Any]:
    try:
        found = server.authenticator.identify(None, f"Bearer {spec.get('token', '')}", "")
    except StatusError:
        return {"authenticated": False, "user": {}}
    return {"authenticated": True, "user": _info(found)}


def _rules(user: User) -> dict[str, Any]:
    if MASTERS not in user.groups:
        return {"resourceRules": [], "nonResourceRules": [], "incomplete": False}
    return {
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    }
