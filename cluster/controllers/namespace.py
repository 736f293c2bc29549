"""namespace: a terminating namespace is emptied, then let go. Models pkg/controller/namespace."""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, Resource, kinds
from cluster.machinery.meta import Object, is_deleting, namespace_of


class NamespaceController(Controller):
    name = "namespace-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.namespaces = env.informers.lister(kinds.NAMESPACES)
        self.contents: list[Resource] = [
            r for r in kinds.RESOURCES.values() if r.namespaced and "delete" in r.verbs
        ]
        env.informers[kinds.NAMESPACES].add_handler(self._on_namespace)
        for resource in self.contents:
            env.informers[resource].add_handler(self._on_content)

    def _on_namespace(self, event: InformerEvent) -> None:
        if event.new is not None and is_deleting(event.new):
            self.enqueue(event.key, event.revision)

    def _on_content(self, event: InformerEvent) -> None:
        """The last object of a terminating namespace is gone, or one slipped in."""
        if event.type == "MODIFIED":
            return
        namespace = self.namespaces.get(namespace_of(event.obj))
        if namespace is not None and is_deleting(namespace):
            self.enqueue(namespace_of(event.obj), event.revision)

    def reconcile(self, key: str) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None or not is_deleting(namespace):
            return
        remaining = 0
        for resource in self.contents:
            for obj in self.informers.lister(resource).list(key):
                remaining += 1
                if not is_deleting(obj):
                    self.client.delete(obj, propagation="Background", on_error=lambda error: None)
        if not remaining:
            self._finalize(namespace)

    def _finalize(self, namespace: Object) -> None:
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        if "kubernetes" in finalizers:
            left = [f for f in finalizers if f != "kubernetes"]
            spec = {"finalizers": left} if left else {}
            self.client.update({**namespace, "spec": spec}, base=namespace, subresource="finalize")
