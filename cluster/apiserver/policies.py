"""What admission asks again and again, remembered until something of it changes.

Every write of such an object also writes KEY, in the same transaction. One look at KEY per commit
therefore tells whether what is remembered is still the truth, in any process. The status of these
objects is not part of it: who needs that (quotas) reads the object itself.
"""

from __future__ import annotations

from typing import Any, Protocol

from cluster.apiserver import resources
from cluster.apiserver.resources import Resource
from cluster.etcd.api import Put, Store
from cluster.machinery.meta import Object

KEY = b"/orrery/policies"
TOUCH = Put(KEY, b"{}")
POLICIES = frozenset(
    (
        resources.NAMESPACES,
        resources.SERVICE_ACCOUNTS,
        resources.LIMIT_RANGES,
        resources.RESOURCE_QUOTAS,
        resources.PRIORITY_CLASSES,
        resources.RUNTIME_CLASSES,
        resources.STORAGE_CLASSES,
        resources.INGRESS_CLASSES,
        resources.MUTATING_WEBHOOKS,
        resources.VALIDATING_WEBHOOKS,
        resources.VALIDATING_POLICIES,
        resources.VALIDATING_POLICY_BINDINGS,
    )
)


class Source(Protocol):
    """Where the objects are: a registry."""

    @property
    def store(self) -> Store: ...

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None: ...

    def list_all(self, resource: Resource, namespace: str = "") -> list[Object]: ...


class Policies:
    """Objects of POLICIES as they were at the last `refresh`; shared, do not change them.

    `derived` is for what others compute from them (complete pod specs); it is emptied with them.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen: tuple[int, int] | None = None
        self._objects: dict[tuple[Resource, str, str], Object | None] = {}
        self._lists: dict[tuple[Resource, str], list[Object]] = {}
        self.derived: dict[str, Any] = {}

    def refresh(self) -> None:
        """Forget everything if anything has changed."""
        store = self._source.store
        kv = store.get(KEY)
        seen = (store.epoch, kv.mod_revision if kv is not None else 0)
        if seen != self._seen:
            self._seen = seen
            self._objects.clear()
            self._lists.clear()
            self.derived.clear()

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        key = (resource, namespace, name)
        try:
            return self._objects[key]
        except KeyError:
            found = self._objects[key] = self._source.find(resource, namespace, name)
            return found

    def list(self, resource: Resource, namespace: str = "") -> list[Object]:
        """In the order of their names."""
        key = (resource, namespace)
        found = self._lists.get(key)
        if found is None:
            found = self._lists[key] = self._source.list_all(resource, namespace)
        return found
