"""resourcequota: what the objects of a namespace use, counted anew.

Admission charges a quota when something is made; here it is given back when something goes, and
counted from the start when the quota is new or bounds something else. Models
pkg/controller/resourcequota.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from cluster.client import Controller, Env, InformerEvent, Resource, kinds
from cluster.controllers import podutil
from cluster.machinery import quotas
from cluster.machinery.meta import is_deleting, namespace_of

ZERO = Decimal(0)
CLAIMS = ("requests.storage",)


class ResourceQuotaController(Controller):
    name = "resourcequota-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.quotas = env.informers.lister(kinds.RESOURCE_QUOTAS)
        self._bounded: dict[str, set[str]] = {}  # namespaces with quotas: their keys
        env.informers[kinds.RESOURCE_QUOTAS].add_handler(self._on_quota)
        for resource in kinds.RESOURCES.values():
            if resource.namespaced and "delete" in resource.verbs and not resource.transient:
                env.informers[resource].add_handler(partial(self._on_object, resource))

    def _on_quota(self, event: InformerEvent) -> None:
        namespace = namespace_of(event.obj)
        own = self._bounded.setdefault(namespace, set())
        if event.new is None:
            own.discard(event.key)
            if not own:
                del self._bounded[namespace]
            return
        own.add(event.key)
        if event.old is None or event.old["spec"] != event.new["spec"]:
            self.enqueue(event.key, event.revision)

    def _on_object(self, resource: Resource, event: InformerEvent) -> None:
        """Only what goes, or uses less, matters: what comes has been charged."""
        if event.type == "ADDED" or not self._bounded:
            return
        own = self._bounded.get(event.obj["metadata"].get("namespace", ""))
        if own and (event.new is None or _uses_less(resource, event)):
            for key in own:
                self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        quota = self.quotas.get(key)
        if quota is None or is_deleting(quota):
            return
        hard = quota["spec"].get("hard") or {}
        used = dict.fromkeys(hard, ZERO)
        for resource in {r for name in hard if (r := _counted(name)) is not None}:
            for obj in self.informers.lister(resource).list(namespace_of(quota)):
                if not quotas.concerns(quota, resource.id, obj):
                    continue
                for name, amount in quotas.usage(resource.id, obj).items():
                    if name in used:
                        used[name] += amount
        shown = {name: quotas.text(name, amount) for name, amount in used.items()}
        status = {"hard": hard, "used": shown}
        if status != quota.get("status"):
            self.client.update_status({**quota, "status": status}, base=quota)


def _counted(name: str) -> Resource | None:
    """The resource whose objects use what a quota calls `name`."""
    if name.startswith("count/"):
        return kinds.RESOURCES.get(name.removeprefix("count/"))
    if name in quotas.COUNTED:
        return kinds.RESOURCES[name]
    if name.startswith("services."):
        return kinds.SERVICES
    if name in CLAIMS or quotas.CLASS in name:
        return kinds.PERSISTENT_VOLUME_CLAIMS
    return kinds.PODS


def _uses_less(resource: Resource, event: InformerEvent) -> bool:
    old, new = event.old, event.new
    assert old is not None and new is not None
    if resource is kinds.PODS:
        ended = podutil.is_finished(new) and not podutil.is_finished(old)
        return ended or old["spec"] != new["spec"]
    if resource is kinds.SERVICES:
        return bool(old["spec"] != new["spec"])
    return False
