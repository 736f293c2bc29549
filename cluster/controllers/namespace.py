"""namespace: a terminating namespace is emptied, then let go. Models pkg/controller/namespace.

Pods go before everything else (OrderedNamespaceDeletion); what is left is told in the conditions.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, Resource, custom_resources, kinds
from cluster.machinery.meta import Object, is_deleting, namespace_of, set_condition

# type: (reason, message) while all is well. Models status_condition_utils.go.
FINE = {
    "NamespaceDeletionDiscoveryFailure": (
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": (
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
}


class NamespaceController(Controller):
    name = "namespace-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.namespaces = env.informers.lister(kinds.NAMESPACES)
        self._terminating: set[str] = set()
        self.contents: list[Resource] = [
            r
            for r in kinds.RESOURCES.values()
            if r.namespaced and "delete" in r.verbs and not r.transient
        ]
        env.informers[kinds.NAMESPACES].add_handler(self._on_namespace)
        for resource in self.contents:
            env.informers[resource].add_handler(self._on_content)
        custom_resources(env).each(self._follow)

    def _follow(self, resource: Resource) -> None:
        if resource.namespaced:
            self.contents.append(resource)
            self.informers[resource].add_handler(self._on_content)

    def _on_namespace(self, event: InformerEvent) -> None:
        if event.new is None:
            self._terminating.discard(event.key)
        elif is_deleting(event.new):
            self._terminating.add(event.key)
            self.enqueue(event.key, event.revision)

    def _on_content(self, event: InformerEvent) -> None:
        """An object of a terminating namespace is gone, or one slipped in."""
        if self._terminating and event.type != "MODIFIED":
            namespace = namespace_of(event.obj)
            if namespace in self._terminating:
                self.enqueue(namespace, event.revision)

    def reconcile(self, key: str) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None or not is_deleting(namespace):
            return
        pods = self.informers.lister(kinds.PODS).list(key)
        contents = [kinds.PODS] if pods else self.contents
        found = {r: self.informers.lister(r).list(key) for r in contents}
        for objects in found.values():
            for obj in objects:
                if not is_deleting(obj):
                    self.client.delete(obj, propagation="Background")
        left = {_qualified(r): len(objects) for r, objects in found.items() if objects}
        if left:
            self._report(namespace, left, _finalizers(found))
            return
        for resource in kinds.RESOURCES.values():
            if resource.transient and resource.namespaced:
                for obj in self.client.list(resource, key):
                    self.client.delete(obj)
        self._finalize(namespace)

    def _report(self, namespace: Object, left: dict[str, int], held: dict[str, int]) -> None:
        told = {kind: ("False", *text) for kind, text in FINE.items()}
        listed = ", ".join(f"{name} has {n} resource instances" for name, n in sorted(left.items()))
        text = f"Some resources are remaining: {listed}"
        told["NamespaceContentRemaining"] = ("True", "SomeResourcesRemain", text)
        if held:
            listed = ", ".join(f"{f} in {n} resource instances" for f, n in sorted(held.items()))
            text = f"Some content in the namespace has finalizers remaining: {listed}"
            told["NamespaceFinalizersRemaining"] = ("True", "SomeFinalizersRemain", text)
        conditions = namespace["status"].get("conditions") or []
        for kind, (value, reason, message) in told.items():
            new = {"type": kind, "status": value, "reason": reason, "message": message}
            conditions = set_condition(conditions, new, self.clock.now())
        status = {**namespace["status"], "conditions": conditions}
        if status != namespace["status"]:
            self.client.update_status({**namespace, "status": status}, base=namespace)

    def _finalize(self, namespace: Object) -> None:
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        if "kubernetes" in finalizers:
            left = [f for f in finalizers if f != "kubernetes"]
            spec = {"finalizers": left} if left else {}
            self.client.update({**namespace, "spec": spec}, base=namespace, subresource="finalize")


def _qualified(resource: Resource) -> str:
    """`pods.`, `deployments.apps`: upstream prints the dot even without a group."""
    return f"{resource.plural}.{resource.group}"


def _finalizers(found: dict[Resource, list[Object]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for objects in found.values():
        for obj in objects:
            for finalizer in obj["metadata"].get("finalizers") or ():
                out[finalizer] = out.get(finalizer, 0) + 1
    return out
