"""serviceaccount: every namespace has a `default` account. Models pkg/controller/serviceaccount."""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import is_deleting, name_of, namespace_of


class ServiceAccountController(Controller):
    name = "serviceaccount-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.namespaces = env.informers.lister(kinds.NAMESPACES)
        self.accounts = env.informers.lister(kinds.SERVICE_ACCOUNTS)
        env.informers[kinds.NAMESPACES].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.SERVICE_ACCOUNTS].add_handler(self._on_account)

    def _on_account(self, event: InformerEvent) -> None:
        if event.type == "DELETED" and name_of(event.obj) == "default":
            self.enqueue(namespace_of(event.obj), event.revision)

    def reconcile(self, key: str) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None or is_deleting(namespace) or f"{key}/default" in self.accounts:
            return
        meta = {"name": "default", "namespace": key}
        self.client.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
