"""Volumes of drivers are attached to nodes, one at a time if they must be."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object, name_of
from tests.controllers.harness import Harness, node
from tests.controllers.test_volumes import VOLUMES, claim, driver, of, storage_class, using

FORCE = {"grace": 0}


def started() -> Harness:
    cluster = Harness(*VOLUMES, "persistentvolume-attach-detach-controller")
    cluster.add(node("n1"), node("n2"), driver(), storage_class("fast", "ebs.csi.aws.com"))
    cluster.add(claim(storage="fast"))
    cluster.advance(5)
    return cluster


def attached(cluster: Harness) -> dict[str, bool]:
    """By node, whether the driver has said that it is done."""
    return {
        a["spec"]["nodeName"]: bool((a.get("status") or {}).get("attached"))
        for a in cluster.user.list(kinds.VOLUME_ATTACHMENTS)
    }


def told(cluster: Harness, name: str) -> list[Object]:
    found: list[Object] = cluster.get(kinds.NODES, name)["status"].get("volumesAttached") or []
    return found


def test_a_volume_is_attached_where_its_pod_is() -> None:
    cluster = started()
    cluster.add(using().on("n1"))
    assert attached(cluster) == {"n1": False}
    cluster.advance(1)
    assert attached(cluster) == {"n1": True}
    volume = of(cluster)["spec"]["volumeName"]
    text = f'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "{volume}" '
    assert cluster.events("SuccessfulAttachVolume", "web") == [text]
    assert told(cluster, "n1")[0]["name"].startswith("kubernetes.io/csi/ebs.csi.aws.com^vol-")
    cluster.delete(kinds.PODS, "web", grace=0)
    assert attached(cluster) == {}
    assert told(cluster, "n1") == []


def test_a_second_node_has_to_wait() -> None:
    cluster = started()
    cluster.add(using("a").on("n1"))
    cluster.advance(1)
    cluster.add(using("b").on("n2"))
    volume = of(cluster)["spec"]["volumeName"]
    assert cluster.events("FailedAttachVolume", "b") == [
        f'FailedAttachVolume: Multi-Attach error for volume "{volume}" Volume is already used by '
        "pod(s) a"
    ]
    assert attached(cluster) == {"n1": True}
    cluster.delete(kinds.PODS, "a", grace=0)
    cluster.advance(1)
    assert attached(cluster) == {"n2": True}


def test_a_dead_node_keeps_a_volume_for_six_minutes() -> None:
    cluster = started()
    cluster.add(using().on("n1"))
    cluster.advance(1)
    lost = {"type": "Ready", "status": "Unknown"}
    cluster.change(
        kinds.NODES,
        "n1",
        lambda o: {**o, "status": {**o["status"], "conditions": [lost]}},
        "status",
    )
    cluster.delete(kinds.PODS, "web", grace=0)
    cluster.advance(359)
    assert attached(cluster) == {"n1": True}
    cluster.advance(1)
    assert attached(cluster) == {}


def test_volumes_without_a_driver_are_not_attached() -> None:
    cluster = started()
    cluster.add(storage_class(), claim("plain"), using("web", "plain").on("n1"))
    cluster.advance(5)
    assert of(cluster, "plain")["status"]["phase"] == "Bound"
    assert attached(cluster) == {}
    assert name_of(of(cluster, "plain")) == "plain"
