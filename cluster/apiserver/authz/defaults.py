"""The default roles and bindings, from data/rbac.yaml.

Models pkg/registry/rbac/rest (post-start hook rbac/bootstrap-roles) and what kubeadm adds.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from cluster.machinery.meta import Object

GROUP = "rbac.authorization.k8s.io"
SYSTEM = "kube-system"
SHORT = {
    "read": ("get", "list", "watch"),
    "write": ("create", "delete", "deletecollection", "patch", "update"),
}
EVENTS = "create patch update | events | core events.k8s.io"
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
LABELS = {BOOTSTRAPPING: "rbac-defaults"}
ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    path = Path(__file__).with_name("data") / "rbac.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=loader)
    return found


def default_objects() -> list[Object]:
    """All of them, in the order in which upstream makes them. Shared: do not change."""
    return list(_objects())


def controller_accounts() -> list[Object]:
    """Controllers work under accounts of their own (--use-service-account-credentials)."""
    names = sorted((*_data()["controllerRoles"], "bootstrap-signer", "token-cleaner"))
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": n, "namespace": SYSTEM}}
        for n in names
    ]


def node_rules() -> list[Object]:
    return [_rule(text) for text in _data()["clusterRoles"]["system:node"]]


@lru_cache(maxsize=1)
def _objects() -> tuple[Object, ...]:
    data = _data()
    out = [_cluster_role(name, row) for name, row in data["clusterRoles"].items()]
    for name, rules in data["controllerRoles"].items():
        out.append(_cluster_role(f"system:controller:{name}", rules))
    out += [_binding(name, row) for name, row in data["clusterRoleBindings"].items()]
    for name in data["controllerRoles"]:
        full = f"system:controller:{name}"
        out.append(_binding(full, [f"ServiceAccount kube-system/{name}"]))
    out += [_role(name, row) for name, row in data["roles"].items()]
    out += [_binding(name, row) for name, row in data["roleBindings"].items()]
    return (*out, *_others(data["kubeadm"]), *_others(data["orrery"]))


def _others(data: dict[str, Any]) -> list[Object]:
    """Not the API server's own: without its label and annotation."""
    out = [_cluster_role(name, row) for name, row in data["clusterRoles"].items()]
    out += [_binding(name, row) for name, row in data["clusterRoleBindings"].items()]
    out += [_role(name, row) for name, row in data["roles"].items()]
    out += [_binding(name, row) for name, row in data["roleBindings"].items()]
    for obj in out:
        del obj["metadata"]["annotations"], obj["metadata"]["labels"][BOOTSTRAPPING]
    return out


def _object(kind: str, name: str) -> Object:
    """`namespace/name` for what is namespaced."""
    namespace, slash, rest = name.partition("/")
    meta: Object = {"name": rest if slash else name}
    if slash:
        meta["namespace"] = namespace
    meta |= {"labels": dict(LABELS), "annotations": dict(ANNOTATIONS)}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": meta}


def _cluster_role(name: str, row: Any) -> Object:
    obj = _object("ClusterRole", name)
    if isinstance(row, list):
        return {**obj, "rules": [_rule(text) for text in row]}
    for other in row.get("into", "").split():
        obj["metadata"]["labels"][AGGREGATE + other] = "true"
    if "aggregate" in row:
        selector = {"matchLabels": {AGGREGATE + row["aggregate"]: "true"}}
        obj["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return {**obj, "rules": [_rule(text) for text in row.get("rules", ())]}


def _role(name: str, row: list[str]) -> Object:
    return {**_object("Role", name), "rules": [_rule(text) for text in row]}


def _rule(text: str) -> Object:
    """Sorted within, as upstream's builder leaves it."""
    verbs, what, *rest = (EVENTS if text == "EVENTS" else text).split(" | ")
    rule: Object = {"verbs": sorted(v for word in verbs.split() for v in SHORT.get(word, (word,)))}
    if what.startswith("/"):
        return {**rule, "nonResourceURLs": ["*"] if what == "/ALL" else sorted(what.split())}
    rule["apiGroups"] = sorted("" if g == "core" else g for g in rest[0].split())
    rule["resources"] = sorted(what.split())
    if len(rest) > 1:
        rule["resourceNames"] = sorted(rest[1].split())
    return rule


def _binding(name: str, row: Any) -> Object:
    namespaced = "/" in name
    obj = _object("RoleBinding" if namespaced else "ClusterRoleBinding", name)
    if isinstance(row, list):
        row = {"role": obj["metadata"]["name"], "subjects": row}
    kind = "Role" if namespaced else "ClusterRole"
    obj["roleRef"] = {"apiGroup": GROUP, "kind": kind, "name": row["role"]}
    if row["subjects"]:
        obj["subjects"] = [_subject(text) for text in row["subjects"]]
    return obj


def _subject(text: str) -> Object:
    kind, _, name = text.partition(" ")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition("/")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"kind": kind, "apiGroup": GROUP, "name": name}
