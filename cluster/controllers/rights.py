"""What users may do, as a controller sees it: the authoriser on informers.

What upstream's controllers ask by SubjectAccessReview.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cluster.apiserver.authz import Authorizer
from cluster.client import Env, InformerEvent, Resource, kinds
from cluster.machinery.meta import Object, name_of

RBAC = (kinds.ROLES, kinds.CLUSTER_ROLES, kinds.ROLE_BINDINGS, kinds.CLUSTER_ROLE_BINDINGS)


class _Stored:
    def __init__(self, obj: Object) -> None:
        self.namespace, self.name = obj["metadata"].get("namespace", ""), name_of(obj)
        self._obj = obj

    def decode(self) -> Object:
        return self._obj


class InformerSource:
    """Models authz.policy.Source and authz.node.NodeSource."""

    def __init__(self, env: Env) -> None:
        self._informers = env.informers
        self.revision = 0
        for resource in RBAC:
            env.informers[resource].add_handler(self._on_change)

    def _on_change(self, event: InformerEvent) -> None:
        self.revision = max(self.revision + 1, event.revision)

    def version(self, resource: Resource) -> object:
        return self.revision

    def entries(self, resource: Resource) -> Iterable[_Stored]:
        return [_Stored(obj) for obj in self._informers.lister(resource).list()]

    def refresh(self) -> int:
        return self.revision  # the run loop has synced

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        key = f"{namespace}/{name}" if resource.namespaced else name
        return self._informers.lister(resource).get(key)

    def pods_of(self, node: str) -> Iterator[_Stored]:
        pods = self._informers.lister(kinds.PODS).list()
        return (_Stored(pod) for pod in pods if pod["spec"].get("nodeName") == node)


def authorizer(env: Env) -> Authorizer:
    return Authorizer(InformerSource(env))


__all__ = ["InformerSource", "authorizer"]
