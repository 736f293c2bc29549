"""What is served, as clients ask for it. Models k8s.io/apiserver/pkg/endpoints/discovery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from cluster.apiserver.custom.resource import CustomResource
from cluster.apiserver.resources import SERVED, Resource

Served = Sequence[Resource]
# Subresources that have a kind of their own, and what they take.
KINDS: dict[str, tuple[str, str, str]] = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "binding": ("", "v1", "Binding"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
    "proxy": ("", "v1", "PodProxyOptions"),
}
# Models the aggregator's apiVersionPriorities.
PRIORITY = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io",
    "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io",
    "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io",
    "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io",
    "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
)  # fmt: skip
CREATE_ONLY = ("eviction", "binding", "token")
STREAMS = ("exec", "attach", "portforward")
NAMESPACED_REVIEWS = ("LocalSubjectAccessReview",)
# Served without being stored: (group, version, plural, kind).
REVIEWS: tuple[tuple[str, str, str, str], ...] = (
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
    ("authentication.k8s.io", "v1", "tokenreviews", "TokenReview"),
    (
        "authorization.k8s.io",
        "v1",
        "localsubjectaccessreviews",
        "LocalSubjectAccessReview",
    ),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview"),
)


def subresource_verbs(name: str) -> list[str]:
    if name in CREATE_ONLY:
        return ["create"]
    if name in STREAMS:
        return ["create", "get"]
    if name == "log":
        return ["get"]
    if name == "finalize":
        return ["update"]
    if name == "proxy":
        return ["create", "delete", "get", "patch", "update"]
    return ["get", "patch", "update"]


def groups(served: Served = SERVED) -> dict[str, list[str]]:
    """Group -> versions, the core group first; versions of custom resources from the newest."""
    out: dict[str, list[str]] = {"": []}
    found = [(r.group, r.version) for r in served]
    for group, version in [*found, *((g, v) for g, v, _, _ in REVIEWS)]:
        versions = out.setdefault(group, [])
        if version not in versions:
            versions.append(version)
    for group in {r.group for r in served if isinstance(r, CustomResource)}:
        out[group].sort(key=_version_rank)
    return dict(sorted(out.items(), key=lambda item: _rank(item[0])))


def _rank(group: str) -> tuple[int, str]:
    """Clients take the first group that has a name they are asked for."""
    return (PRIORITY.index(group) if group in PRIORITY else len(PRIORITY), group)


VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


def _version_rank(version: str) -> tuple[int, int, int, int, str]:
    """GA before beta before alpha, the newest first, anything else last."""
    match = VERSION.fullmatch(version)
    if match is None:
        return (1, 0, 0, 0, version)
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (0, stage, -int(match[1]), -int(match[3] or 0), version)


def of(group: str, version: str, served: Served = SERVED) -> Iterable[Resource]:
    return [r for r in served if (r.group, r.version) == (group, version)]


def group_version(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def api_group(group: str, served: Served = SERVED) -> dict[str, Any]:
    found = groups(served)[group]
    versions = [{"groupVersion": group_version(group, v), "version": v} for v in found]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def api_group_list(served: Served = SERVED) -> dict[str, Any]:
    found = [api_group(g, served) for g in groups(served) if g]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def api_versions(address: str) -> dict[str, Any]:
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def api_resource_list(group: str, version: str, served: Served = SERVED) -> dict[str, Any] | None:
    """The legacy list of one group and version; None when there is no such thing."""
    if version not in groups(served).get(group, ()):
        return None
    out: list[dict[str, Any]] = []
    for resource in of(group, version, served):
        out.append(_resource(resource))
        out += [_subresource(resource, name) for name in sorted(resource.subresources)]
    for g, v, plural, kind in REVIEWS:
        if (g, v) == (group, version):
            out.append(
                {
                    "name": plural,
                    "singularName": kind.lower(),
                    "namespaced": kind in NAMESPACED_REVIEWS,
                    "kind": kind,
                    "verbs": ["create"],
                }
            )
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version(group, version),
        "resources": out,
    }


def _verbs(resource: Resource) -> list[str]:
    return list(resource.verbs) if isinstance(resource, CustomResource) else sorted(resource.verbs)


def _resource(resource: Resource) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _verbs(resource),
    }
    if resource.short_names:
        out["shortNames"] = list(resource.short_names)
    if resource.categories:
        out["categories"] = list(resource.categories)
    return out


def _subresource(resource: Resource, name: str) -> dict[str, Any]:
    own = KINDS.get(name)
    out: dict[str, Any] = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": own[2] if own else resource.kind,
        "verbs": subresource_verbs(name),
    }
    if own and own[0]:
        out["group"], out["version"] = own[0], own[1]
    return out


def aggregated(core: bool, served: Served = SERVED) -> dict[str, Any]:
    """apidiscovery.k8s.io/v2: everything in one answer."""
    items = []
    for group, versions in groups(served).items():
        if (group == "") != core:
            continue
        shown = [
            {"version": v, "resources": _aggregated(group, v, served), "freshness": "Current"}
            for v in versions
        ]
        meta: dict[str, Any] = {"creationTimestamp": None}
        if group:
            meta["name"] = group
        items.append({"metadata": meta, "versions": shown})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated(group: str, version: str, served: Served) -> list[dict[str, Any]]:
    out = []
    for resource in of(group, version, served):
        kind = {"group": group, "version": version, "kind": resource.kind}
        entry: dict[str, Any] = {
            "resource": resource.plural,
            "responseKind": kind,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "singularResource": resource.singular,
            "verbs": _verbs(resource),
        }
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        if resource.categories:
            entry["categories"] = list(resource.categories)
        if resource.subresources:
            entry["subresources"] = [
                _aggregated_sub(name, kind) for name in sorted(resource.subresources)
            ]
        out.append(entry)
    for g, v, plural, kind_name in REVIEWS:
        if (g, v) == (group, version):
            out.append(
                {
                    "resource": plural,
                    "responseKind": {"group": g, "version": v, "kind": kind_name},
                    "scope": "Namespaced" if kind_name in NAMESPACED_REVIEWS else "Cluster",
                    "singularResource": kind_name.lower(),
                    "verbs": ["create"],
                }
            )
    return out


def _aggregated_sub(name: str, parent: dict[str, str]) -> dict[str, Any]:
    own = KINDS.get(name)
    kind = dict(zip(("group", "version", "kind"), own)) if own else parent
    return {"subresource": name, "responseKind": kind, "verbs": subresource_verbs(name)}
