"""crd-finalizer: a definition that goes takes its objects along; freed names are given away.

Upstream runs these loops inside the API server. Models apiextensions-apiserver's
controller/finalizer and controller/status.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, custom_resources, kinds
from cluster.client import definitions as crds
from cluster.machinery.meta import Object, is_deleting, name_of, with_metadata

CRDS = kinds.CUSTOM_RESOURCE_DEFINITIONS


class CustomResourceController(Controller):
    name = "crd-finalizer"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.definitions = env.informers.lister(CRDS)
        env.informers[CRDS].add_handler(self._on_definition)
        custom_resources(env).each(self._follow)

    def _follow(self, resource: kinds.Resource) -> None:
        self.informers[resource].add_handler(
            lambda event: self._on_object(f"{resource.plural}.{resource.group}", event)
        )

    def _on_object(self, definition: str, event: InformerEvent) -> None:
        found = self.definitions.get(definition)
        if event.type != "MODIFIED" and found is not None and is_deleting(found):
            self.enqueue(definition, event.revision)

    def _on_definition(self, event: InformerEvent) -> None:
        self.enqueue(event.key, event.revision)
        if event.new is None:  # its names are free
            for crd in self.definitions:
                if not crds.names_accepted(crd):
                    self.enqueue(name_of(crd), event.revision)

    def reconcile(self, key: str) -> None:
        crd = self.definitions.get(key)
        if crd is None:
            return
        if is_deleting(crd):
            if crds.CLEANUP in (crd["metadata"].get("finalizers") or ()):
                self._clean(crd)
        elif not crds.names_accepted(crd):
            self._name(crd)

    def _name(self, crd: Object) -> None:
        others = [c for c in self.definitions if name_of(c) != name_of(crd)]
        status = crds.status(crd, others, self.clock.now())
        if status != crd["status"]:
            self.client.update_status({**crd, "status": status}, base=crd)

    def _clean(self, crd: Object) -> None:
        resource = self.client.registry.catalog.hub(name_of(crd))
        left = self.client.registry.list_all(resource) if resource is not None else []
        now = self.clock.now()
        if left:
            status = crds.terminating(crd, now)
            if status != crd["status"]:
                self.client.update_status({**crd, "status": status}, base=crd)
            for obj in left:
                if not is_deleting(obj):
                    self.client.delete(obj)
            return
        done = {**crd, "status": crds.terminating(crd, now, done=True)}
        if done["status"] != crd["status"]:
            self.client.update_status(done, base=crd)
            return  # the informer brings it back
        finalizers = [f for f in crd["metadata"]["finalizers"] if f != crds.CLEANUP]
        self.client.update(with_metadata(crd, finalizers=finalizers or None), base=crd)
