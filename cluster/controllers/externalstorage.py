"""What runs beside the control plane for storage: provisioners and resizers of volumes.

minikube's hostPath provisioner and local-path's are always there; a CSI driver is, when its
CSIDriver object exists. What nobody provisions stays Pending, as in a cluster without the driver.
Models sigs.k8s.io/sig-storage-lib-external-provisioner and kubernetes-csi/external-resizer.
"""

from __future__ import annotations

from cluster.client import Controller, Env, EventRecorder, InformerEvent, kinds
from cluster.controllers import volumematch
from cluster.controllers.claimusers import ClaimUsers
from cluster.controllers.volumematch import phase_of
from cluster.machinery.clock import format_time
from cluster.machinery.meta import (
    Object,
    annotations_of,
    condition,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    set_condition,
    uid_of,
)

HOST_PATH = "k8s.io/minikube-hostpath"
LOCAL_PATH = "rancher.io/local-path"
IN_TREE_DELAY, CSI_DELAY = 0.2, 1.5  # seconds until a volume is made
RESIZE_DELAY = 2.0  # for each of the two halves, controller and node
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
CLAIM, VOLUME = "claim/", "volume/"
PENDING_TEXT = (
    "Waiting for user to (re-)start a pod to finish file system resize of volume on node."
)


class ExternalStorage(Controller):
    name = "orrery-external-storage"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.claims = env.informers.lister(kinds.PERSISTENT_VOLUME_CLAIMS)
        self.volumes = env.informers.lister(kinds.PERSISTENT_VOLUMES)
        self.classes = env.informers.lister(kinds.STORAGE_CLASSES)
        self.drivers = env.informers.lister(kinds.CSI_DRIVERS)
        self.nodes = env.informers.lister(kinds.NODES)
        self.users = ClaimUsers.of(env)
        self._recorders: dict[tuple[str, str], EventRecorder] = {}
        self._due: dict[str, float] = {}  # what is being worked on, and when that will be done
        env.informers[kinds.PERSISTENT_VOLUME_CLAIMS].add_handler(self._on_claim)
        env.informers[kinds.PERSISTENT_VOLUMES].add_handler(self._on_volume)
        env.informers[kinds.CSI_DRIVERS].add_handler(self._on_driver)
        self.users.hear(lambda claim, e: self.enqueue(CLAIM + claim, e.revision))

    def _on_claim(self, event: InformerEvent) -> None:
        if event.new is not None:
            self.enqueue(CLAIM + event.key, event.revision)
        else:
            self._due.pop(CLAIM + event.key, None)

    def _on_volume(self, event: InformerEvent) -> None:
        if event.new is not None and phase_of(event.new) == "Released":
            self.enqueue(VOLUME + event.key, event.revision)

    def _on_driver(self, event: InformerEvent) -> None:
        if event.type == "ADDED":
            for claim in self.claims:
                self.enqueue(CLAIM + key_of(claim), event.revision)

    def _voice(self, component: str, host: str = "") -> EventRecorder:
        key = (component, host)
        if key not in self._recorders:
            self._recorders[key] = self.env.recorder(component, host)
        return self._recorders[key]

    def _is_running(self, provisioner: str) -> bool:
        return provisioner in (HOST_PATH, LOCAL_PATH) or provisioner in self.drivers

    def reconcile(self, key: str) -> None:
        if key.startswith(VOLUME):
            self._delete(self.volumes.get(key.removeprefix(VOLUME)))
            return
        claim = self.claims.get(key.removeprefix(CLAIM))
        if claim is None or is_deleting(claim):
            return
        if claim["spec"].get("volumeName"):
            self._resize(key, claim)
        else:
            self._provision(key, claim)

    def _wait(self, key: str, seconds: float) -> bool:
        """True while the work on `key` is not done."""
        now = self.clock.now()
        due = self._due.setdefault(key, now + seconds)
        if now < due:
            self.queue.add_at(key, due)
            return True
        del self._due[key]
        return False

    # ---- making and deleting

    def _provision(self, key: str, claim: Object) -> None:
        provisioner = annotations_of(claim).get(volumematch.PROVISIONER, "")
        storage = self.classes.get(volumematch.class_name(claim))
        name = f"pvc-{uid_of(claim)}"
        if not self._is_running(provisioner) or storage is None or name in self.volumes:
            return
        where = f'"{namespace_of(claim)}/{name_of(claim)}"'
        recorder = self._voice(f"{provisioner}_minikube")
        if key not in self._due:
            text = f"External provisioner is provisioning volume for claim {where}"
            recorder.event(claim, "Normal", "Provisioning", text)
        csi = provisioner not in (HOST_PATH, LOCAL_PATH)
        if self._wait(key, CSI_DELAY if csi else IN_TREE_DELAY):
            return
        text = f"Successfully provisioned volume {name}"
        self.client.create(
            self._volume(name, claim, storage, provisioner),
            on_done=lambda _: recorder.event(claim, "Normal", "ProvisioningSucceeded", text),
        )

    def _volume(self, name: str, claim: Object, storage: Object, provisioner: str) -> Object:
        reference = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name_of(claim),
            "namespace": namespace_of(claim), "uid": uid_of(claim),
            "resourceVersion": claim["metadata"]["resourceVersion"],
        }  # fmt: skip
        size = claim["spec"]["resources"]["requests"]["storage"]
        spec: Object = {
            "accessModes": claim["spec"].get("accessModes") or [],
            "capacity": {"storage": size},
            "claimRef": reference,
            "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"),
            "storageClassName": name_of(storage),
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
            **self._source(name, claim, storage, provisioner),
        }
        if storage.get("mountOptions"):
            spec["mountOptions"] = storage["mountOptions"]
        if affinity := self._affinity(claim, provisioner):
            spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [affinity]}}
        annotations = {volumematch.PROVISIONED_BY: provisioner}
        meta = {"name": name, "annotations": annotations}
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}

    @staticmethod
    def _source(name: str, claim: Object, storage: Object, provisioner: str) -> Object:
        where = f"{namespace_of(claim)}/{name_of(claim)}"
        if provisioner == HOST_PATH:
            return {"hostPath": {"path": f"/tmp/hostpath-provisioner/{where}", "type": ""}}
        if provisioner == LOCAL_PATH:
            folder = f"{name}_{where.replace('/', '_')}"
            path = f"/opt/local-path-provisioner/{folder}"
            return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}
        attributes = {"storage.kubernetes.io/csiProvisionerIdentity": f"1-{provisioner}"}
        handle = f"vol-{uid_of(claim)[:8]}{uid_of(claim)[-9:]}"
        filesystem = (storage.get("parameters") or {}).get("csi.storage.k8s.io/fstype", "ext4")
        source = {"driver": provisioner, "volumeHandle": handle, "volumeAttributes": attributes}
        return {"csi": {**source, "fsType": filesystem}}

    def _affinity(self, claim: Object, provisioner: str) -> Object | None:
        """Where the volume can be reached from, once a node has been chosen for it."""
        node = self.nodes.get(annotations_of(claim).get(volumematch.SELECTED_NODE, ""))
        if node is None or provisioner == HOST_PATH:
            return None
        label = HOST if provisioner == LOCAL_PATH or ZONE not in labels_of(node) else ZONE
        value = labels_of(node).get(label, name_of(node))
        return {"matchExpressions": [{"key": label, "operator": "In", "values": [value]}]}

    def _delete(self, volume: Object | None) -> None:
        if volume is None or is_deleting(volume) or phase_of(volume) != "Released":
            return
        provisioner = annotations_of(volume).get(volumematch.PROVISIONED_BY, "")
        policy = volume["spec"].get("persistentVolumeReclaimPolicy")
        if policy == "Delete" and self._is_running(provisioner):
            self.client.delete(volume)

    # ---- growing

    def _resize(self, key: str, claim: Object) -> None:
        """The volume grows first, then, on a node, the file system on it."""
        volume = self.volumes.get(claim["spec"]["volumeName"])
        status = claim.get("status") or {}
        if volume is None or phase_of(claim) != "Bound" or "csi" not in volume["spec"]:
            return
        wanted = claim["spec"]["resources"]["requests"].get("storage", "0")
        if volumematch.requested(claim) > volumematch.capacity(volume):
            self._grow(key, claim, volume, wanted)
        elif condition(status.get("conditions"), "FileSystemResizePending") is not None:
            self._finish(key, claim, volume)

    def _grow(self, key: str, claim: Object, volume: Object, wanted: str) -> None:
        driver = volume["spec"]["csi"]["driver"]
        if not self._is_running(driver):
            return
        recorder = self._voice(f"external-resizer {driver}")
        if key not in self._due:
            text = f"External resizer is resizing volume {name_of(volume)}"
            recorder.event(claim, "Normal", "Resizing", text)
            self._set_conditions(claim, {"type": "Resizing", "status": "True"})
        if self._wait(key, RESIZE_DELAY):
            return
        spec = {**volume["spec"], "capacity": {**volume["spec"]["capacity"], "storage": wanted}}
        self.client.update({**volume, "spec": spec}, base=volume)
        if volume["spec"].get("volumeMode") == "Block":
            self._done(claim, wanted)
            recorder.event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded")
            return
        text = "Require file system resize of volume on node"
        recorder.event(claim, "Normal", "FileSystemResizeRequired", text)
        new = {"type": "FileSystemResizePending", "status": "True", "message": PENDING_TEXT}
        self._set_conditions(claim, new)

    def _finish(self, key: str, claim: Object, volume: Object) -> None:
        """A kubelet that has it mounted expands the file system."""
        pods = self.users.of_claim(key_of(claim))
        running = [p for p in pods if p.get("status", {}).get("phase") == "Running"]
        if not running or self._wait(key, RESIZE_DELAY):
            return
        size = volume["spec"]["capacity"]["storage"]
        self._done(claim, size)
        node = running[0]["spec"].get("nodeName", "")
        text = f'MountVolume.NodeExpandVolume succeeded for volume "{name_of(volume)}" {node}'
        kubelet = self._voice("kubelet", node)
        kubelet.event(claim, "Normal", "FileSystemResizeSuccessful", text)
        kubelet.event(running[0], "Normal", "FileSystemResizeSuccessful", text)

    def _done(self, claim: Object, size: str) -> None:
        status = {k: v for k, v in claim["status"].items() if k != "conditions"}
        status["capacity"] = {**(status.get("capacity") or {}), "storage": size}
        self.client.update_status({**claim, "status": status}, base=claim)

    def _set_conditions(self, claim: Object, new: Object) -> None:
        """One at a time: a resize is either in the controller's or in the node's hands."""
        now = self.clock.now()
        conditions = set_condition([], {**new, "lastProbeTime": None}, now)
        conditions[0]["lastTransitionTime"] = format_time(now)
        status = {**claim["status"], "conditions": conditions}
        self.client.update_status({**claim, "status": status}, base=claim)
