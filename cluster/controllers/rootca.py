"""root-ca-certificate-publisher: ConfigMap kube-root-ca.crt in every namespace.

Models pkg/controller/certificates/rootcacertpublisher.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import is_deleting, name_of, namespace_of

NAME = "kube-root-ca.crt"
TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


class RootCAPublisher(Controller):
    name = "root-ca-certificate-publisher-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.certificate = ""  # what --root-ca-file names; `build` sets it
        self.namespaces = env.informers.lister(kinds.NAMESPACES)
        self.maps = env.informers.lister(kinds.CONFIG_MAPS)
        env.informers[kinds.NAMESPACES].add_handler(lambda e: self.enqueue(e.key, e.revision))
        env.informers[kinds.CONFIG_MAPS].add_handler(self._on_map)

    def _on_map(self, event: InformerEvent) -> None:
        if name_of(event.obj) == NAME:
            self.enqueue(namespace_of(event.obj), event.revision)

    def reconcile(self, key: str) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None or is_deleting(namespace):
            return
        found = self.maps.get(f"{key}/{NAME}")
        data = {"ca.crt": self.certificate}
        if found is None:
            meta = {
                "name": NAME,
                "namespace": key,
                "annotations": {"kubernetes.io/description": TEXT},
            }
            self.client.create(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
            )
        elif found.get("data") != data:
            self.client.update({**found, "data": data}, base=found)
