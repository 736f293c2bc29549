"""What a request asks for, from its method and path alone: also of things that do not exist.

Models k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from cluster.apiserver.authz.attributes import Attributes

VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
NAMESPACE_SUBRESOURCES = ("status", "finalize")
SPECIAL = ("proxy", "watch")
TRUE = ("true", "1", "True", "TRUE", "t", "T", "")
NAME_FIELD = "metadata.name="


def attributes_of(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    parts = [p for p in path.split("/") if p]
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return Attributes(method.lower(), path=path)
    if parts[0] == "api":
        group, version, parts = "", parts[1], parts[2:]
    else:
        group, version, parts = parts[1], parts[2], parts[3:]
        if not parts:
            return Attributes(method.lower(), path=path)
    verb = VERBS.get(method, "")
    if parts[0] in SPECIAL and len(parts) > 1:
        verb, parts = parts[0], parts[1:]
    namespace, parts = _namespace(parts)
    resource = parts[0] if parts else ""
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 else ""
    if (not name and verb in ("get", "delete")) or (verb == "get" and "watch" in query):
        verb, name = _of_many(verb, name, query)
    selector = query.get("fieldSelector", "")
    return Attributes(verb, group, version, resource, subresource, namespace, name, "", selector)


def _namespace(parts: list[str]) -> tuple[str, list[str]]:
    """A namespace itself lies in the namespace of its name."""
    if parts[0] != "namespaces" or len(parts) < 2:
        return "", parts
    namespace = parts[1]
    if len(parts) > 2 and parts[2] not in NAMESPACE_SUBRESOURCES:
        return namespace, parts[2:]
    return namespace, parts


def _of_many(verb: str, name: str, query: Mapping[str, str]) -> tuple[str, str]:
    """The verb of a collection; a field selector may name the one object that is meant."""
    wanted = query.get("fieldSelector", "")
    if not name:
        for requirement in wanted.split(","):
            if requirement.replace("==", "=").startswith(NAME_FIELD):
                name = requirement.replace("==", "=").removeprefix(NAME_FIELD)
        if verb == "delete":
            return "deletecollection", name
    if "watch" in query and query["watch"] in TRUE:
        return "watch", name
    return ("list", name) if not name or wanted else (verb, name)
