"""StatefulSets: pods with names, one after the other."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.meta import Object, annotations_of, is_deleting, labels_of, name_of
from tests.controllers.harness import Harness, template, workload

NEW = template({"app": "web"}, "registry.k8s.io/pause:3.9")
CLAIM: Object = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def stateful_set(replicas: int = 3, **spec: Any) -> Object:
    return workload("StatefulSet", "web", replicas=replicas, serviceName="web", **spec)


def started(replicas: int = 3, **spec: Any) -> Harness:
    cluster = Harness(
        "statefulset-controller",
        "garbage-collector-controller",
        "persistentvolumeclaim-protection-controller",
    )
    cluster.add(stateful_set(replicas, **spec))
    for _ in range(replicas):
        cluster.run_pods()
    return cluster


def names(cluster: Harness) -> list[str]:
    return sorted(name_of(p) for p in cluster.pods() if not is_deleting(p))


def status(cluster: Harness) -> Object:
    found: Object = cluster.get(kinds.STATEFUL_SETS, "web")["status"]
    return found


def claims(cluster: Harness) -> list[str]:
    return sorted(name_of(c) for c in cluster.user.list(kinds.PERSISTENT_VOLUME_CLAIMS))


def images(cluster: Harness) -> dict[str, str]:
    return {
        name_of(p): p["spec"]["containers"][0]["image"].rpartition(":")[2] for p in cluster.pods()
    }


def roll(cluster: Harness, steps: int = 1) -> None:
    for _ in range(steps):
        cluster.finish_deletions()
        cluster.run_pods()


def test_pods_start_one_after_the_other() -> None:
    cluster = Harness("statefulset-controller")
    cluster.add(stateful_set())
    assert names(cluster) == ["web-0"]
    cluster.advance(100)
    assert names(cluster) == ["web-0"]
    cluster.run_pods()
    assert names(cluster) == ["web-0", "web-1"]
    cluster.run_pods()
    cluster.run_pods()
    assert names(cluster) == ["web-0", "web-1", "web-2"]
    shown = status(cluster)
    assert {k: v for k, v in shown.items() if isinstance(v, int)} == {
        "observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3,
        "currentReplicas": 3, "updatedReplicas": 3, "collisionCount": 0,
    }  # fmt: skip
    assert shown["currentRevision"] == shown["updateRevision"]
    assert cluster.events("SuccessfulCreate")[0] == (
        "SuccessfulCreate: create Pod web-0 in StatefulSet web successful"
    )


def test_a_pod_knows_who_it_is() -> None:
    cluster = started(1)
    (only,) = cluster.pods()
    revision = status(cluster)["currentRevision"]
    assert labels_of(only) == {
        "app": "web",
        "statefulset.kubernetes.io/pod-name": "web-0",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision,
    }
    assert (only["spec"]["hostname"], only["spec"]["subdomain"]) == ("web-0", "web")


def test_in_parallel_all_start_at_once() -> None:
    cluster = Harness("statefulset-controller")
    cluster.add(stateful_set(podManagementPolicy="Parallel"))
    assert names(cluster) == ["web-0", "web-1", "web-2"]


def test_it_shrinks_from_above_one_at_a_time() -> None:
    cluster = started(3)
    cluster.set_spec(kinds.STATEFUL_SETS, "web", replicas=1)
    assert names(cluster) == ["web-0", "web-1"]
    cluster.advance(100)
    assert names(cluster) == ["web-0", "web-1"]
    cluster.finish_deletions()
    assert names(cluster) == ["web-0"]
    cluster.finish_deletions()
    assert len(cluster.pods()) == 1
    assert "SuccessfulDelete: delete Pod web-2 in StatefulSet web successful" in cluster.events()


def test_it_does_not_shrink_while_a_lower_pod_is_unhealthy() -> None:
    cluster = started(3)
    cluster.make_ready(cluster.get(kinds.PODS, "web-0"), "False")
    cluster.set_spec(kinds.STATEFUL_SETS, "web", replicas=1)
    assert names(cluster) == ["web-0", "web-1", "web-2"]
    cluster.make_ready(cluster.get(kinds.PODS, "web-0"))
    cluster.settle()
    assert names(cluster) == ["web-0", "web-1"]


def test_ordinals_may_start_elsewhere() -> None:
    cluster = started(2, ordinals={"start": 5})
    assert names(cluster) == ["web-5", "web-6"]


def test_a_failed_pod_is_made_again_under_its_name() -> None:
    cluster = started(2)
    before = cluster.get(kinds.PODS, "web-1")["metadata"]["uid"]
    cluster.end(cluster.get(kinds.PODS, "web-1"), "Failed")
    cluster.finish_deletions()
    assert cluster.get(kinds.PODS, "web-1")["metadata"]["uid"] != before
    assert cluster.events("RecreatingFailedPod") == [
        "RecreatingFailedPod: StatefulSet default/web is recreating failed Pod web-1"
    ]


# ---- updates


def test_an_update_replaces_pods_from_above() -> None:
    cluster = started(3)
    old = status(cluster)["currentRevision"]
    cluster.set_spec(kinds.STATEFUL_SETS, "web", template=NEW)
    assert names(cluster) == ["web-0", "web-1"]
    shown = status(cluster)
    assert shown["currentRevision"] == old != shown["updateRevision"]
    cluster.finish_deletions()
    assert images(cluster) == {"web-0": "3.10", "web-1": "3.10", "web-2": "3.9"}
    cluster.advance(60)
    assert names(cluster) == ["web-0", "web-1", "web-2"]
    cluster.run_pods()
    roll(cluster, 2)
    assert set(images(cluster).values()) == {"3.9"}
    shown = status(cluster)
    assert shown["currentRevision"] == shown["updateRevision"] != old
    assert shown["currentReplicas"] == shown["updatedReplicas"] == 3


def test_a_partition_keeps_lower_pods_as_they_are_even_when_they_are_made_again() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    cluster = started(3, updateStrategy=rolling)
    cluster.set_spec(kinds.STATEFUL_SETS, "web", template=NEW)
    roll(cluster, 3)
    assert images(cluster) == {"web-0": "3.10", "web-1": "3.10", "web-2": "3.9"}
    cluster.delete(kinds.PODS, "web-0")
    roll(cluster)
    assert images(cluster)["web-0"] == "3.10"
    assert status(cluster)["updatedReplicas"] == 1
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    cluster.set_spec(kinds.STATEFUL_SETS, "web", updateStrategy=rolling)
    roll(cluster, 3)
    assert set(images(cluster).values()) == {"3.9"}


def test_max_unavailable_updates_several_at_a_time() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    cluster = started(4, updateStrategy=rolling, podManagementPolicy="Parallel")
    cluster.set_spec(kinds.STATEFUL_SETS, "web", template=NEW)
    assert names(cluster) == ["web-0", "web-1"]


def test_on_delete_waits_for_somebody_to_delete_them() -> None:
    cluster = started(2, updateStrategy={"type": "OnDelete"})
    cluster.set_spec(kinds.STATEFUL_SETS, "web", template=NEW)
    cluster.advance(60)
    assert set(images(cluster).values()) == {"3.10"}
    cluster.delete(kinds.PODS, "web-0")
    roll(cluster)
    assert images(cluster) == {"web-0": "3.9", "web-1": "3.10"}


def test_a_broken_update_stops_and_going_back_repairs_it() -> None:
    cluster = started(2)
    cluster.set_spec(kinds.STATEFUL_SETS, "web", template=NEW)
    cluster.finish_deletions()
    cluster.advance(600)
    assert images(cluster) == {"web-0": "3.10", "web-1": "3.9"}
    cluster.set_spec(kinds.STATEFUL_SETS, "web", template=template({"app": "web"}))
    cluster.delete(kinds.PODS, "web-1")
    roll(cluster)
    assert set(images(cluster).values()) == {"3.10"}
    assert len(cluster.user.list(kinds.CONTROLLER_REVISIONS)) == 2


def test_old_revisions_beyond_the_limit_go() -> None:
    cluster = started(1, revisionHistoryLimit=1)
    for tag in ("a", "b", "c"):
        new = template({"app": "web"}, f"registry.k8s.io/pause:{tag}")
        cluster.set_spec(kinds.STATEFUL_SETS, "web", template=new)
        roll(cluster)
    revisions = cluster.user.list(kinds.CONTROLLER_REVISIONS)
    assert sorted(r["revision"] for r in revisions) == [3, 4]


def test_min_ready_seconds_hold_the_next_pod_back() -> None:
    cluster = Harness("statefulset-controller")
    cluster.add(stateful_set(2, minReadySeconds=10))
    cluster.run_pods()
    assert names(cluster) == ["web-0"]
    assert "availableReplicas" in status(cluster)
    cluster.advance(10)
    assert names(cluster) == ["web-0", "web-1"]


# ---- claims


def test_each_pod_has_its_own_claim_which_outlives_it() -> None:
    cluster = started(2, volumeClaimTemplates=[CLAIM])
    assert claims(cluster) == ["data-web-0", "data-web-1"]
    volume = cluster.get(kinds.PODS, "web-1")["spec"]["volumes"][0]
    assert volume["persistentVolumeClaim"] == {"claimName": "data-web-1"}
    text = "SuccessfulCreate: create Claim data-web-0 Pod web-0 in StatefulSet web success"
    assert text in cluster.events()
    cluster.set_spec(kinds.STATEFUL_SETS, "web", replicas=0)
    roll(cluster, 2)
    cluster.delete(kinds.STATEFUL_SETS, "web")
    assert claims(cluster) == ["data-web-0", "data-web-1"]


@pytest.mark.parametrize(
    ("scaled", "deleted", "after_scaling", "after_deletion"),
    [
        ("Delete", "Retain", ["data-web-0"], ["data-web-0"]),
        ("Retain", "Delete", ["data-web-0", "data-web-1"], []),
        ("Delete", "Delete", ["data-web-0"], []),
    ],
)
def test_claims_go_when_the_policy_says_so(
    scaled: str, deleted: str, after_scaling: list[str], after_deletion: list[str]
) -> None:
    policy = {"whenScaled": scaled, "whenDeleted": deleted}
    cluster = started(2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    cluster.set_spec(kinds.STATEFUL_SETS, "web", replicas=1)
    roll(cluster)
    cluster.advance(1)
    assert claims(cluster) == after_scaling
    cluster.delete(kinds.STATEFUL_SETS, "web")
    cluster.finish_deletions()
    assert claims(cluster) == after_deletion


def test_a_deleted_set_makes_no_pods_and_takes_its_own_along() -> None:
    cluster = started(2)
    cluster.delete(kinds.STATEFUL_SETS, "web", propagation="Foreground")
    cluster.finish_deletions()
    assert cluster.pods() == []
    assert not cluster.exists(kinds.STATEFUL_SETS, "web")


def test_annotations_of_claims_are_taken_over() -> None:
    claim = {**CLAIM, "metadata": {"name": "data", "annotations": {"tier": "fast"}}}
    cluster = started(1, volumeClaimTemplates=[claim])
    (only,) = cluster.user.list(kinds.PERSISTENT_VOLUME_CLAIMS)
    assert annotations_of(only)["tier"] == "fast"
    assert labels_of(only) == {"app": "web"}


def test_its_containers_mount_what_the_claim_templates_name() -> None:
    cluster = Harness("statefulset-controller")
    body = stateful_set(1, volumeClaimTemplates=[CLAIM])
    mounts = [{"name": "data", "mountPath": "/data"}]
    body["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = mounts
    cluster.add(body)
    assert names(cluster) == ["web-0"]
