"""pvc- and pv-protection: what is in use does not go yet.

Admission puts the finalizers on; here they are taken off. Models pkg/controller/volume/
pvcprotection and pvprotection.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers.claimusers import ClaimUsers
from cluster.controllers.volumematch import phase_of
from cluster.machinery.meta import Object, is_deleting, with_metadata

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"


def _without(obj: Object, finalizer: str) -> Object:
    left = [f for f in obj["metadata"]["finalizers"] if f != finalizer]
    return with_metadata(obj, finalizers=left or None)


def _is_held(obj: Object | None, finalizer: str) -> bool:
    return (
        obj is not None
        and is_deleting(obj)
        and finalizer in (obj["metadata"].get("finalizers") or ())
    )


class ClaimProtection(Controller):
    name = "persistentvolumeclaim-protection-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.claims = env.informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)
        self.users = ClaimUsers.of(env)
        env.informers[kinds.PERSISTENT_VOLUME_CLAIMS].add_handler(self._on_claim)
        self.users.hear(self._on_pod)

    def _on_claim(self, event: InformerEvent) -> None:
        if _is_held(event.new, CLAIM_FINALIZER):
            self.enqueue(event.key, event.revision)

    def _on_pod(self, claim: str, event: InformerEvent) -> None:
        if _is_held(self.claims.get(claim), CLAIM_FINALIZER):
            self.enqueue(claim, event.revision)

    def reconcile(self, key: str) -> None:
        claim = self.claims.get(key)
        if claim is None or not _is_held(claim, CLAIM_FINALIZER):
            return
        # A pod that no node has seen will not be started with a claim that is going.
        if any(p["spec"].get("nodeName") for p in self.users.of_claim(key)):
            return
        self.client.update(_without(claim, CLAIM_FINALIZER), base=claim)


class VolumeProtection(Controller):
    name = "persistentvolume-protection-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.volumes = env.informers.lister(kinds.PERSISTENT_VOLUMES)
        env.informers[kinds.PERSISTENT_VOLUMES].add_handler(self._on_volume)

    def _on_volume(self, event: InformerEvent) -> None:
        if _is_held(event.new, VOLUME_FINALIZER):
            self.enqueue(event.key, event.revision)

    def reconcile(self, key: str) -> None:
        volume = self.volumes.get(key)
        if volume is None or not _is_held(volume, VOLUME_FINALIZER) or phase_of(volume) == "Bound":
            return
        self.client.update(_without(volume, VOLUME_FINALIZER), base=volume)
