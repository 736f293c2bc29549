"""Claims get volumes: found, made, grown, given back."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.meta import Object, annotations_of, name_of, with_metadata
from tests.controllers.harness import Harness, node, pod

VOLUMES = (
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "persistentvolume-protection-controller",
    "ephemeral-volume-controller",
    "orrery-external-storage",
    "garbage-collector-controller",
)
SELECTED = "volume.kubernetes.io/selected-node"


def claim(
    name: str = "data", size: str = "1Gi", storage: str | None = "standard", **more: Any
) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **more}
    if storage is not None:
        spec["storageClassName"] = storage
    meta = {"name": name, "namespace": "default", "finalizers": ["kubernetes.io/pvc-protection"]}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def volume(
    name: str, size: str = "1Gi", storage: str = "", policy: str = "Retain", **more: Any
) -> Object:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": size},
        "hostPath": {"path": "/mnt/data"},
        "persistentVolumeReclaimPolicy": policy,
        "storageClassName": storage,
        **more,
    }
    meta = {"name": name, "finalizers": ["kubernetes.io/pv-protection"]}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}


def storage_class(
    name: str = "standard", provisioner: str = "k8s.io/minikube-hostpath", **more: Any
) -> Object:
    fields = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", **more}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    return {**kind, "metadata": {"name": name}, "provisioner": provisioner, **fields}


def driver(name: str = "ebs.csi.aws.com") -> Object:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver"}
    return {**kind, "metadata": {"name": name}, "spec": {}}


def started(*things: Object) -> Harness:
    cluster = Harness(*VOLUMES)
    cluster.add(*things)
    cluster.advance(5)
    return cluster


def of(cluster: Harness, name: str = "data") -> Object:
    return cluster.get(kinds.PERSISTENT_VOLUME_CLAIMS, name)


def phases(cluster: Harness) -> dict[str, str]:
    listed = cluster.user.list(kinds.PERSISTENT_VOLUME_CLAIMS)
    listed += cluster.user.list(kinds.PERSISTENT_VOLUMES)
    return {name_of(o): o["status"]["phase"] for o in listed}


def using(name: str = "web", claim_name: str = "data") -> Any:
    builder = pod(name)
    builder.spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]
    return builder


# ---- finding


def test_the_smallest_volume_that_does_is_taken() -> None:
    cluster = started(
        volume("tiny", "500Mi"), volume("big", "5Gi"), volume("fits", "2Gi"), claim(storage="")
    )
    assert phases(cluster) == {
        "data": "Bound", "tiny": "Available", "big": "Available", "fits": "Bound",
    }  # fmt: skip
    bound = of(cluster)
    assert bound["spec"]["volumeName"] == "fits"
    assert bound["status"]["capacity"] == {"storage": "2Gi"}
    assert annotations_of(bound) == {
        "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
    }  # fmt: skip
    reference = cluster.get(kinds.PERSISTENT_VOLUMES, "fits")["spec"]["claimRef"]
    assert (reference["name"], reference["uid"]) == ("data", bound["metadata"]["uid"])


def test_a_claim_waits_for_a_volume_to_appear() -> None:
    cluster = started(claim(storage=""))
    assert phases(cluster) == {"data": "Pending"}
    text = "no persistent volumes available for this claim and no storage class is set"
    assert cluster.events("FailedBinding")[0] == f"FailedBinding: {text}"
    cluster.add(volume("late"))
    assert phases(cluster) == {"data": "Bound", "late": "Bound"}


@pytest.mark.parametrize(
    "wrong",
    [
        volume("v", "1Mi"),
        volume("v", storage="slow"),
        volume("v", volumeMode="Block"),
        volume("v", accessModes=["ReadOnlyMany"]),
    ],
)
def test_what_does_not_fit_is_not_taken(wrong: Object) -> None:
    assert phases(started(wrong, claim(storage=""))) == {"v": "Available", "data": "Pending"}


def test_a_claim_may_name_its_volume_and_a_volume_its_claim() -> None:
    reserved = {"claimRef": {"name": "other", "namespace": "default"}}
    cluster = started(volume("a"), volume("b"), volume("c", **reserved))
    cluster.add(claim(storage="", volumeName="b"), claim("other", storage=""))
    assert of(cluster, "data")["spec"]["volumeName"] == "b"
    assert of(cluster, "other")["spec"]["volumeName"] == "c"
    assert phases(cluster)["a"] == "Available"


def test_a_named_volume_that_is_too_small() -> None:
    cluster = started(volume("a", "1Mi"), claim(storage="", volumeName="a"))
    text = 'Cannot bind to requested volume "a": requested PV is too small'
    assert cluster.events("VolumeMismatch")[0] == f"VolumeMismatch: {text}"


def test_two_claims_do_not_get_the_same_volume() -> None:
    cluster = started(volume("only"))
    for name in ("a", "b"):
        cluster.user.create(claim(name, storage=""))
    cluster.user.flush()
    cluster.advance(1)
    assert sorted(phases(cluster).values()) == ["Bound", "Bound", "Pending"]


# ---- giving back


def test_a_retained_volume_is_released_and_keeps_its_claim() -> None:
    cluster = started(volume("v"), claim(storage=""))
    cluster.delete(kinds.PERSISTENT_VOLUME_CLAIMS, "data")
    assert phases(cluster) == {"v": "Released"}
    cluster.add(claim(storage=""))
    assert phases(cluster) == {"v": "Released", "data": "Pending"}


def test_a_volume_nobody_can_delete_fails() -> None:
    cluster = started(volume("v", policy="Delete"), claim(storage=""))
    cluster.delete(kinds.PERSISTENT_VOLUME_CLAIMS, "data")
    assert phases(cluster) == {"v": "Failed"}
    text = "host_path deleter only supports /tmp/.+ but received provided /mnt/data"
    assert cluster.get(kinds.PERSISTENT_VOLUMES, "v")["status"]["message"] == text


def test_a_claim_in_use_stays_until_the_last_pod_has_gone() -> None:
    cluster = started(volume("v"), claim(storage=""), using().on("n1").ready())
    cluster.delete(kinds.PERSISTENT_VOLUME_CLAIMS, "data")
    assert phases(cluster) == {"data": "Bound", "v": "Bound"}
    cluster.delete(kinds.PODS, "web", grace=0)
    assert phases(cluster) == {"v": "Released"}


def test_a_bound_volume_stays_until_its_claim_has_gone() -> None:
    cluster = started(volume("v"), claim(storage=""))
    cluster.delete(kinds.PERSISTENT_VOLUMES, "v")
    assert phases(cluster)["v"] == "Bound"
    cluster.delete(kinds.PERSISTENT_VOLUME_CLAIMS, "data")
    assert phases(cluster) == {}


def test_a_claim_whose_volume_was_torn_away_is_lost() -> None:
    cluster = started(volume("v"), claim(storage=""))
    cluster.change(kinds.PERSISTENT_VOLUMES, "v", lambda o: with_metadata(o, finalizers=None))
    cluster.delete(kinds.PERSISTENT_VOLUMES, "v")
    assert phases(cluster) == {"data": "Lost"}
    assert cluster.events("ClaimLost") == [
        "ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    ]


# ---- making


def test_a_volume_is_made_when_there_is_a_class_for_it() -> None:
    cluster = started(storage_class(), claim())
    name = f"pvc-{of(cluster)['metadata']['uid']}"
    assert phases(cluster) == {"data": "Bound", name: "Bound"}
    made = cluster.get(kinds.PERSISTENT_VOLUMES, name)
    assert made["spec"]["hostPath"]["path"] == "/tmp/hostpath-provisioner/default/data"
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    where = '"default/data"'
    told = cluster.events("Provisioning") + cluster.events("ProvisioningSucceeded")
    assert told == [
        f"Provisioning: External provisioner is provisioning volume for claim {where}",
        f"ProvisioningSucceeded: Successfully provisioned volume {name}",
    ]
    assert cluster.events("ExternalProvisioning")[0].startswith(
        "ExternalProvisioning: Waiting for a volume to be created either by the external "
        "provisioner 'k8s.io/minikube-hostpath'"
    )
    cluster.delete(kinds.PERSISTENT_VOLUME_CLAIMS, "data")
    assert phases(cluster) == {}


def test_without_its_driver_a_claim_waits() -> None:
    cluster = started(storage_class("fast", "ebs.csi.aws.com"), claim(storage="fast"))
    cluster.advance(600)
    assert phases(cluster) == {"data": "Pending"}
    cluster.add(driver())
    cluster.advance(5)
    assert phases(cluster)["data"] == "Bound"


def test_a_class_that_is_not_there() -> None:
    cluster = started(claim(storage="fast"))
    text = 'ProvisioningFailed: storageclass.storage.k8s.io "fast" not found'
    assert cluster.events("ProvisioningFailed")[0] == text
    cluster.add(storage_class("fast"))
    cluster.advance(5)
    assert phases(cluster)["data"] == "Bound"


def test_a_volume_may_wait_for_its_first_consumer_and_follow_it() -> None:
    body = node("n1")
    body["metadata"]["labels"]["topology.kubernetes.io/zone"] = "eu-1a"
    waits = storage_class("fast", "ebs.csi.aws.com", volumeBindingMode="WaitForFirstConsumer")
    cluster = started(body, driver(), waits, claim(storage="fast"))
    text = "WaitForFirstConsumer: waiting for first consumer to be created before binding"
    assert cluster.events("WaitForFirstConsumer")[0] == text
    assert phases(cluster) == {"data": "Pending"}
    cluster.change(
        kinds.PERSISTENT_VOLUME_CLAIMS, "data",
        lambda o: with_metadata(o, annotations={**annotations_of(o), SELECTED: "n1"}),
    )  # fmt: skip
    cluster.advance(5)
    (made,) = cluster.user.list(kinds.PERSISTENT_VOLUMES)
    (term,) = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["eu-1a"]
    assert phases(cluster)["data"] == "Bound"


def test_a_claim_grows_when_its_class_allows() -> None:
    fast = storage_class("fast", "ebs.csi.aws.com", allowVolumeExpansion=True)
    cluster = started(driver(), fast, claim(storage="fast"), using().on("n1").ready())
    resources = {"requests": {"storage": "3Gi"}}
    cluster.set_spec(kinds.PERSISTENT_VOLUME_CLAIMS, "data", resources=resources)
    cluster.advance(1)
    assert [c["type"] for c in of(cluster)["status"]["conditions"]] == ["Resizing"]
    cluster.advance(1)
    assert [c["type"] for c in of(cluster)["status"]["conditions"]] == ["FileSystemResizePending"]
    (made,) = cluster.user.list(kinds.PERSISTENT_VOLUMES)
    assert made["spec"]["capacity"] == {"storage": "3Gi"}
    assert of(cluster)["status"]["capacity"] == {"storage": "1Gi"}
    cluster.advance(2)
    assert of(cluster)["status"]["capacity"] == {"storage": "3Gi"}
    assert "conditions" not in of(cluster)["status"]


def test_an_ephemeral_volume_has_a_claim_that_goes_with_its_pod() -> None:
    builder = pod("web")
    template = {"spec": claim()["spec"]}
    builder.spec["volumes"] = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]
    cluster = started(storage_class(), builder)
    assert phases(cluster)["web-scratch"] == "Bound"
    cluster.delete(kinds.PODS, "web", grace=0)
    cluster.advance(1)
    assert phases(cluster) == {}


def test_nothing_is_looked_at_while_nothing_happens() -> None:
    cluster = started(storage_class(), claim(), volume("spare"))
    assert cluster.settle() is None
