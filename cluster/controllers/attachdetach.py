"""attachdetach: volumes of CSI drivers are attached to the nodes of the pods that use them.

Keys are claims. The driver's own part (external-attacher) is simulated: an attachment takes a
moment. Models pkg/controller/volume/attachdetach.
"""

from __future__ import annotations

from hashlib import sha256

from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.controllers import podutil, volumematch
from cluster.controllers.claimusers import ClaimUsers
from cluster.machinery.meta import Object, is_true, name_of

ATTACH_DELAY = 1.0
UNMOUNT_WAIT = 360.0  # maxWaitForUnmountDuration: how long a dead node may keep a volume
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
EXCLUSIVE = "Volume is already exclusively attached to one node and can't be attached to another"


class AttachDetachController(Controller):
    name = "persistentvolume-attach-detach-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.recorder = env.recorder("attachdetach-controller")
        self.claims = env.informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)
        self.volumes = env.informers.lister(kinds.PERSISTENT_VOLUMES)
        self.drivers = env.informers.lister(kinds.CSI_DRIVERS)
        self.nodes = env.informers.lister(kinds.NODES)
        self.attachments = env.informers.lister(kinds.VOLUME_ATTACHMENTS)
        self.attachments.add_index("volume", _volume_of)
        self.users = ClaimUsers.of(env)
        self._due: dict[str, float] = {}  # an attachment -> when it is made, or given up
        self.users.hear(lambda claim, e: self.enqueue(claim, e.revision))
        env.informers[kinds.PERSISTENT_VOLUME_CLAIMS].add_handler(self._on_claim)
        env.informers[kinds.VOLUME_ATTACHMENTS].add_handler(self._on_attachment)

    def _on_claim(self, event: InformerEvent) -> None:
        if event.obj["spec"].get("volumeName"):
            self.enqueue(event.key, event.revision)

    def _on_attachment(self, event: InformerEvent) -> None:
        if event.new is None:
            self._due.pop(event.key, None)
        for name in _volume_of(event.obj):
            volume = self.volumes.get(name)
            if volume is not None and (claim := volumematch.claim_key(volume)):
                self.enqueue(claim, event.revision)
            elif volume is None and event.new is not None:
                self.client.delete(event.new)

    def reconcile(self, key: str) -> None:
        claim = self.claims.get(key)
        volume = self.volumes.get((claim or {"spec": {}})["spec"].get("volumeName") or "")
        if claim is None or volume is None or not self._is_attachable(volume):
            return
        wanted: dict[str, list[Object]] = {}
        for pod in self.users.of_claim(key):
            node = pod["spec"].get("nodeName")
            if node and not podutil.is_finished(pod):
                wanted.setdefault(node, []).append(pod)
        there = {a["spec"]["nodeName"]: a for a in self._attachments(name_of(volume))}
        for node, attachment in there.items():
            if node in wanted:
                self._attach(key, attachment, volume, wanted[node])
            elif self._may_detach(key, attachment, node):
                self.client.delete(attachment)
                self._tell_node(node, volume, attached=False)
        self._create(volume, wanted, set(there))

    def _attachments(self, volume: str) -> list[Object]:
        return self.attachments.by_index("volume", volume)

    def _is_attachable(self, volume: Object) -> bool:
        driver = self.drivers.get((volume["spec"].get("csi") or {}).get("driver", ""))
        return driver is not None and (driver.get("spec") or {}).get("attachRequired", True)

    def _create(self, volume: Object, wanted: dict[str, list[Object]], there: set[str]) -> None:
        """One that only one node may write to goes to one node at a time."""
        modes = volume["spec"].get("accessModes") or ()
        shared = "ReadWriteMany" in modes or "ReadOnlyMany" in modes
        for node in [n for n in wanted if n not in there]:
            if there and not shared:
                for pod in wanted[node]:
                    self._refuse(pod, volume, wanted, there)
                continue
            there.add(node)
            source = volume["spec"]["csi"]
            digest = sha256(f"{source['volumeHandle']}{source['driver']}{node}".encode())
            self.client.create(
                {
                    "apiVersion": "storage.k8s.io/v1",
                    "kind": "VolumeAttachment",
                    "metadata": {"name": f"csi-{digest.hexdigest()}"},
                    "spec": {
                        "attacher": source["driver"],
                        "nodeName": node,
                        "source": {"persistentVolumeName": name_of(volume)},
                    },
                }
            )

    def _refuse(
        self, pod: Object, volume: Object, wanted: dict[str, list[Object]], there: set[str]
    ) -> None:
        """Models reportMultiAttachError."""
        users = [name_of(p) for node in there for p in wanted.get(node, ())]
        why = f"Volume is already used by pod(s) {', '.join(users)}" if users else EXCLUSIVE
        text = f'Multi-Attach error for volume "{name_of(volume)}" {why}'
        self.recorder.event(pod, "Warning", "FailedAttachVolume", text)

    def _attach(self, key: str, attachment: Object, volume: Object, pods: list[Object]) -> None:
        name, now = name_of(attachment), self.clock.now()
        if (attachment.get("status") or {}).get("attached"):
            self._due.pop(name, None)
            return
        due = self._due.setdefault(name, now + ATTACH_DELAY)
        if now < due:
            self.queue.add_at(key, due)
            return
        self.client.update_status({**attachment, "status": {"attached": True}}, base=attachment)
        self._tell_node(attachment["spec"]["nodeName"], volume, attached=True)
        text = f'AttachVolume.Attach succeeded for volume "{name_of(volume)}" '
        for pod in pods:
            self.recorder.event(pod, "Normal", "SuccessfulAttachVolume", text)

    def _may_detach(self, key: str, attachment: Object, node: str) -> bool:
        """A node that does not answer may still write: it gets six minutes."""
        found = self.nodes.get(node)
        taints = found["spec"].get("taints") or () if found is not None else ()
        ready = is_true((found or {}).get("status", {}).get("conditions"), "Ready")
        if found is None or ready or any(t["key"] == OUT_OF_SERVICE for t in taints):
            return True
        now = self.clock.now()
        due = self._due.setdefault(name_of(attachment), now + UNMOUNT_WAIT)
        if now < due:
            self.queue.add_at(key, due)
        return now >= due

    def _tell_node(self, node: str, volume: Object, attached: bool) -> None:
        found = self.nodes.get(node)
        if found is None:
            return
        source = volume["spec"]["csi"]
        unique = f"kubernetes.io/csi/{source['driver']}^{source['volumeHandle']}"

        def tell(current: Object) -> Object:
            status = current.get("status") or {}
            kept = [v for v in status.get("volumesAttached") or () if v["name"] != unique]
            if attached:
                kept.append({"name": unique, "devicePath": ""})
            rest = {k: v for k, v in status.items() if k != "volumesAttached"}
            return {**current, "status": {**rest, **({"volumesAttached": kept} if kept else {})}}

        self.client.patch(kinds.NODES, "", node, tell, subresource="status", base=found)


def _volume_of(attachment: Object) -> tuple[str, ...]:
    name = (attachment["spec"].get("source") or {}).get("persistentVolumeName")
    return (name,) if name else ()
