"""Questions about oneself and others, answered and not stored: whoami, can-i, token reviews.

Models pkg/registry/authentication and pkg/registry/authorization.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.apiserver import discovery
from cluster.apiserver.authz import Attributes, Decision
from cluster.apiserver.http import typed
from cluster.apiserver.http.request import Request
from cluster.apiserver.http.responses import Response, json_response
from cluster.apiserver.http.server import ApiServer
from cluster.apiserver.operations import User
from cluster.machinery import errors
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object

PATH = re.compile(r"/apis/([^/]+)/([^/]+)/(?:namespaces/([^/]+)/)?([^/]+)")
KINDS = {(g, v, plural): kind for g, v, plural, kind in discovery.REVIEWS}
NOT_ALLOWED = "the server does not allow this method on the requested resource"
LOCAL = "LocalSubjectAccessReview"


@dataclass(frozen=True, slots=True)
class Review:
    kind: str
    group: str
    namespace: str


def find(request: Request) -> Review | None:
    """The review a path names, or None."""
    if not request.path.startswith("/apis/auth"):
        return None
    match = PATH.fullmatch(request.path)
    if match is None:
        return None
    group, version, namespace, plural = match.groups()
    kind = KINDS.get((group, version, plural), "")
    if not kind or bool(namespace) != (kind == LOCAL):
        return None
    return Review(kind, group, namespace or "")


def answer(server: ApiServer, request: Request, review: Review) -> Response:
    if request.method != "POST":
        raise errors.StatusError(405, "MethodNotAllowed", NOT_ALLOWED, {})
    body = typed.body_of(request, review.group, review.kind)
    spec = body.get("spec") or {}
    out: Object = {"kind": review.kind, "apiVersion": f"{review.group}/v1"}
    out["metadata"] = body.get("metadata") or {}
    if review.kind != "SelfSubjectReview":
        out["spec"] = spec
    out["status"] = ANSWERS[review.kind](server, request, review, spec)
    return json_response(out, 201)


def user_info(user: User) -> dict[str, Any]:
    out: dict[str, Any] = {"username": user.name}
    if user.uid:
        out["uid"] = user.uid
    if user.groups:
        out["groups"] = list(user.groups)
    if user.extra:
        out["extra"] = {key: list(values) for key, values in user.extra}
    return out


def _whoami(server: ApiServer, request: Request, review: Review, spec: Object) -> Object:
    return {"userInfo": user_info(request.user)}


def _token(server: ApiServer, request: Request, review: Review, spec: Object) -> Object:
    token = spec.get("token")
    if not token:
        raise errors.bad_request("token is required for TokenReview in authentication")
    try:
        user, audiences = server.authenticator.review(token, tuple(spec.get("audiences") or ()))
    except StatusError as error:
        out: Object = {"authenticated": False, "user": {}}
        return (
            {**out, "error": f"[invalid bearer token, {error.message}]"}
            if error.message != "Unauthorized"
            else out
        )
    out = {"authenticated": True, "user": user_info(user)}
    return {**out, "audiences": list(audiences)} if audiences else out


def _self_access(server: ApiServer, request: Request, review: Review, spec: Object) -> Object:
    _check_access(review, spec)
    return _decided(server.authorizer.decide(request.user, _asked(spec)))


def _access(server: ApiServer, request: Request, review: Review, spec: Object) -> Object:
    _check_access(review, spec)
    extra = tuple((k, tuple(v or ())) for k, v in (spec.get("extra") or {}).items())
    groups = tuple(spec.get("groups") or ())
    user = User(spec.get("user") or "", groups, spec.get("uid") or "", extra)
    return _decided(server.authorizer.decide(user, _asked(spec)))


def _check_access(review: Review, spec: Object) -> None:
    causes = []
    what, where = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if what is not None and where is not None:
        text = "cannot be specified in combination with resourceAttributes"
        causes.append(errors.invalid_value("spec.nonResourceAttributes", where, text))
    if what is None and where is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        causes.append(errors.invalid_value("spec.resourceAttributes", None, text))
    self_review = review.kind == "SelfSubjectAccessReview"
    if not self_review and not spec.get("user") and not spec.get("groups"):
        text = "at least one of user or group must be specified"
        causes.append(errors.invalid_value("spec.user", spec.get("user") or "", text))
    if causes:
        raise errors.invalid(review.kind, review.group, "", causes)
    if review.kind == LOCAL and (what or {}).get("namespace", "") != review.namespace:
        raise errors.bad_request(
            f"spec.resourceAttributes.namespace must match namespace: {review.namespace}"
        )


def _asked(spec: Object) -> Attributes:
    what = spec.get("resourceAttributes")
    if what is None:
        where = spec["nonResourceAttributes"]
        return Attributes(where.get("verb") or "", path=where.get("path") or "")
    fields = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    asked = Attributes(*(what.get(field) or "" for field in fields))
    return asked._replace(selector=_selector(what.get("fieldSelector") or {}))


def _selector(given: Object) -> str:
    """As a request's query would have it."""
    parts = [given["rawSelector"]] if given.get("rawSelector") else []
    for requirement in given.get("requirements") or ():
        values = requirement.get("values") or []
        if requirement.get("operator") == "In" and len(values) == 1:
            parts.append(f"{requirement.get('key', '')}={values[0]}")
    return ",".join(parts)


def _decided(decision: Decision) -> Object:
    out: Object = {"allowed": decision.allowed}
    if decision.reason:
        out["reason"] = decision.reason
    return out


def _rules(server: ApiServer, request: Request, review: Review, spec: Object) -> Object:
    namespace = spec.get("namespace")
    if not namespace:
        raise errors.bad_request("no namespace on request")
    found, problems = server.authorizer.rules(request.user, namespace)
    shown = [rule.as_dict() for rule in found]
    out: Object = {
        "resourceRules": [r for r in shown if "nonResourceURLs" not in r],
        "nonResourceRules": [r for r in shown if "nonResourceURLs" in r],
        "incomplete": bool(problems),
    }
    return {**out, "evaluationError": ", ".join(problems)} if problems else out


Answer = Callable[[ApiServer, Request, Review, Object], Object]
ANSWERS: dict[str, Answer] = {
    "SelfSubjectReview": _whoami,
    "TokenReview": _token,
    "SelfSubjectAccessReview": _self_access,
    "SubjectAccessReview": _access,
    LOCAL: _access,
    "SelfSubjectRulesReview": _rules,
}
