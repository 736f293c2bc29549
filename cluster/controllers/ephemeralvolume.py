"""ephemeral-volume: a pod's generic ephemeral volumes get claims that go with the pod.

Models pkg/controller/volume/ephemeral.
"""

from __future__ import annotations

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers.claimusers import ClaimUsers
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import (
    Object,
    controller_ref,
    is_controlled_by,
    is_deleting,
    name_of,
    namespace_of,
)


class EphemeralVolumeController(Controller):
    name = "ephemeral-volume-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("ephemeral_volume")
        self.pods = env.informers.lister(kinds.PODS)
        self.claims = env.informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)
        ClaimUsers.of(env).hear(self._on_pod)

    def _on_pod(self, claim: str, event: InformerEvent) -> None:
        if event.type == "ADDED":
            self.enqueue(event.key, event.revision)

    def reconcile(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is None or is_deleting(pod):
            return
        for volume in pod["spec"].get("volumes") or ():
            if "ephemeral" in volume:
                self._ensure(key, pod, volume)

    def _ensure(self, key: str, pod: Object, volume: Object) -> None:
        name = f"{name_of(pod)}-{volume['name']}"
        have = self.claims.get(f"{namespace_of(pod)}/{name}")
        if have is not None:
            if not is_controlled_by(have, pod):
                text = (
                    f"PVC {namespace_of(pod)}/{name} was not created for pod {key} "
                    "(pod is not owner)"
                )
                self.recorder.event(pod, "Warning", "EphemeralVolumeCreationFailed", text)
            return
        template = volume["ephemeral"]["volumeClaimTemplate"]
        meta = template.get("metadata") or {}
        kept = {k: meta[k] for k in ("labels", "annotations") if meta.get(k)}
        owner = controller_ref(pod)
        place = {"name": name, "namespace": namespace_of(pod), "ownerReferences": [owner]}

        def refused(error: StatusError) -> None:
            text = f"PVC creation failed: {error.message}"
            self.recorder.event(pod, "Warning", "EphemeralVolumeCreationFailed", text)
            self._failed(key, error)

        kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        body = {**kind, "metadata": {**kept, **place}, "spec": template["spec"]}
        self.client.create(body, on_error=refused)
