"""Where a pod may go because of its volumes, and how they are bound for it."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, annotations_of
from tests.scheduler.harness import Harness, node, pod

WAITS = "WaitForFirstConsumer"


def storage_class(name: str, provisioner: str = "made.example.com", **more: Any) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": provisioner,
        "volumeBindingMode": WAITS,
        "reclaimPolicy": "Delete",
        **more,
    }


def claim(name: str, class_name: str = "late", modes: tuple[str, ...] = ("ReadWriteOnce",),
          size: str = "1Gi", volume: str = "") -> Object:  # fmt: skip
    meta: Object = {"name": name, "namespace": "default"}
    spec: Object = {
        "storageClassName": class_name,
        "accessModes": list(modes),
        "resources": {"requests": {"storage": size}},
    }
    if volume:
        spec["volumeName"] = volume
        meta["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec,
    }  # fmt: skip


def volume(
    name: str, *, at: str = "", size: str = "1Gi", class_name: str = "late",
    labels: dict[str, str] | None = None, **spec: Any,
) -> Object:  # fmt: skip
    body: Object = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class_name,
        "persistentVolumeReclaimPolicy": "Retain",
        **({} if "csi" in spec else {"hostPath": {"path": "/data"}}),
        **spec,
    }
    if at:
        expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [at]}
        body["nodeAffinity"] = {
            "required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
        }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": body,
        "status": {"phase": "Available"},
    }


def using(name: str, *claims: str, **more: Any) -> Object:
    volumes = [
        {"name": f"v{i}", "persistentVolumeClaim": {"claimName": c}} for i, c in enumerate(claims)
    ]
    return pod(name, volumes=volumes, **more)


def with_nodes(*objects: Object) -> Harness:
    h = Harness()
    h.add(node("n1"), node("n2"), *objects)
    return h


def bind(h: Harness, name: str, volume_name: str) -> None:
    """What the persistent volume controller does."""
    found = h.user.get(kinds.PERSISTENT_VOLUME_CLAIMS, "default", name)
    marks = {**annotations_of(found), "pv.kubernetes.io/bind-completed": "yes"}
    spec = {**found["spec"], "volumeName": volume_name}
    h.user.do_update(
        {**found, "metadata": {**found["metadata"], "annotations": marks}, "spec": spec}
    )


def test_a_claim_that_does_not_exist_is_the_reason() -> None:
    h = with_nodes(using("web", "data"))
    h.settle()
    assert 'persistentvolumeclaim "data" not found' in h.why("web")


def test_an_unbound_immediate_claim_holds_the_pod_until_it_is_bound() -> None:
    now = storage_class("now", volumeBindingMode="Immediate")
    h = with_nodes(now, claim("data", "now"), volume("pv", class_name="now"), using("web", "data"))
    h.settle()
    assert "pod has unbound immediate PersistentVolumeClaims" in h.why("web")
    bind(h, "data", "pv")
    h.advance(30)
    assert h.where("web")


def test_a_bound_volume_draws_the_pod_to_its_node() -> None:
    h = with_nodes(volume("pv", at="n2"), claim("data", volume="pv"), using("web", "data"))
    h.settle()
    assert h.where("web") == "n2"


def test_a_volume_out_of_reach_is_told() -> None:
    h = with_nodes(volume("pv", at="n9"), claim("data", volume="pv"), using("web", "data"))
    h.settle()
    assert "2 node(s) didn't match PersistentVolume's node affinity" in h.why("web")


def test_a_local_volume_is_claimed_for_the_pod_and_the_pod_waits_for_it() -> None:
    h = with_nodes(
        storage_class("late", "kubernetes.io/no-provisioner"),
        volume("big", at="n1", size="9Gi"), volume("small", at="n2", size="2Gi"),
        claim("data", size="2Gi"), using("web", "data", nodeName=""),
    )  # fmt: skip
    h.user.do_update({**h.user.get(kinds.NODES, "", "n1"), "spec": {"unschedulable": True}})
    h.settle()
    assert h.where("web") == ""
    reference = h.user.get(kinds.PERSISTENT_VOLUMES, "", "small")["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"]) == ("default", "data")
    bind(h, "data", "small")
    h.settle()
    assert h.where("web") == "n2"


def test_two_pods_do_not_get_one_volume() -> None:
    h = with_nodes(
        storage_class("late", "kubernetes.io/no-provisioner"), volume("only", at="n1"),
        claim("a"), claim("b"), using("one", "a"), using("two", "b"),
    )  # fmt: skip
    h.settle()
    assert "node(s) didn't find available persistent volumes to bind" in h.why("two")


def test_a_provisioner_is_told_the_node_and_allowed_topologies_hold() -> None:
    only_n2 = [{"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["n2"]}]}]
    h = with_nodes(
        storage_class("late", allowedTopologies=only_n2), claim("data"), using("web", "data")
    )
    h.settle()
    found = h.user.get(kinds.PERSISTENT_VOLUME_CLAIMS, "default", "data")
    assert annotations_of(found)["volume.kubernetes.io/selected-node"] == "n2"
    assert h.where("web") == ""
    h.add(volume("made"))
    bind(h, "data", "made")
    h.settle()
    assert h.where("web") == "n2"


def test_a_volume_that_is_never_made_gives_the_pod_back_to_the_queue() -> None:
    h = with_nodes(storage_class("late"), claim("data"), using("web", "data"))
    h.advance(601)
    assert "rejected due to timeout after waiting at plugin VolumeBinding" in h.why("web")


def test_a_read_write_once_pod_claim_is_for_one_pod() -> None:
    h = with_nodes(
        volume("pv", accessModes=["ReadWriteOncePod"]),
        claim("data", modes=("ReadWriteOncePod",), volume="pv"),
        using("first", "data"),
    )
    h.settle()
    h.add(using("second", "data"))
    h.settle()
    assert "node has pod using PersistentVolumeClaim with the same name" in h.why("second")
    h.delete_pod("first")
    h.advance(30)
    assert h.where("second")


def test_a_disk_is_attached_to_one_node_at_a_time() -> None:
    disk = [{"name": "d", "gcePersistentDisk": {"pdName": "x"}}]
    h = Harness()
    h.add(node("n1"), pod("first", volumes=disk))
    h.settle()
    h.add(pod("second", volumes=disk))
    h.settle()
    assert h.why("second").startswith("0/1 nodes are available: 1 node(s) had no available disk")


def test_a_volumes_zone_is_the_pods() -> None:
    zone = "topology.kubernetes.io/zone"
    h = Harness()
    h.add(
        node("a", labels={zone: "za"}), node("b", labels={zone: "zb"}), node("c"),
        volume("pv", labels={zone: "zb__zc"}), claim("data", volume="pv"), using("web", "data"),
    )  # fmt: skip
    h.settle()
    assert h.where("web") == "b"


def test_a_node_takes_as_many_volumes_of_a_driver_as_it_says() -> None:
    def csi(name: str) -> Object:
        return volume(name, csi={"driver": "disk.example.com", "volumeHandle": name})

    limits = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": "n1"},
        "spec": {
            "drivers": [{"name": "disk.example.com", "nodeID": "n1", "allocatable": {"count": 1}}]
        },
    }
    h = Harness()
    h.add(
        node("n1"), limits, csi("one"), csi("two"),
        claim("a", volume="one"), claim("b", volume="two"), using("first", "a"),
    )  # fmt: skip
    h.settle()
    h.add(using("second", "b"))
    h.settle()
    assert "1 node(s) exceed max volume count" in h.why("second")


def test_space_is_asked_of_drivers_that_publish_it() -> None:
    driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "made.example.com"},
        "spec": {"storageCapacity": True},
    }
    room = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIStorageCapacity",
        "metadata": {"name": "on-n2", "namespace": "default"},
        "storageClassName": "late",
        "nodeTopology": {"matchLabels": {"kubernetes.io/hostname": "n2"}},
        "capacity": "10Gi",
    }
    h = with_nodes(storage_class("late"), driver, room, claim("data", size="20Gi"))
    h.add(using("web", "data"))
    h.settle()
    assert "2 node(s) did not have enough free storage" in h.why("web")
