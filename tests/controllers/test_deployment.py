"""Deployments: rolling, recreating, scaling, pausing, rolling back, timing out."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, annotations_of, labels_of, name_of
from tests.controllers.harness import Harness, deployment, template

REVISION = "deployment.kubernetes.io/revision"


def started(replicas: int = 3, **spec: Any) -> Harness:
    """A Deployment `web` whose pods all run."""
    cluster = Harness("deployment-controller", "replicaset-controller")
    cluster.add(deployment("web", replicas, **spec))
    cluster.run_pods()
    return cluster


def sets(cluster: Harness) -> dict[str, Object]:
    """ReplicaSets by revision."""
    found = cluster.user.list(kinds.REPLICA_SETS, "default")
    return {annotations_of(s)[REVISION]: s for s in found}


def sizes(cluster: Harness) -> dict[str, int]:
    return {revision: s["spec"]["replicas"] for revision, s in sets(cluster).items()}


def roll(cluster: Harness, image: str) -> None:
    cluster.set_spec(kinds.DEPLOYMENTS, "web", template=template({"app": "web"}, image))


def status(cluster: Harness) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get(kinds.DEPLOYMENTS, "web")["status"]
    return found


def finish_rollout(cluster: Harness) -> None:
    for _ in range(20):
        cluster.run_pods()
        cluster.finish_deletions()


def test_a_new_deployment_makes_one_set_named_after_its_templates_hash() -> None:
    cluster = started()
    (found,) = sets(cluster).values()
    digest = labels_of(found)["pod-template-hash"]
    assert name_of(found) == f"web-{digest}"
    assert found["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert annotations_of(found) == {
        REVISION: "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    assert annotations_of(cluster.get(kinds.DEPLOYMENTS, "web"))[REVISION] == "1"
    text = f"ScalingReplicaSet: Scaled up replica set web-{digest} from 0 to 3"
    assert cluster.events("ScalingReplicaSet") == [text]


def test_a_complete_deployments_status_is_upstreams() -> None:
    cluster = started()
    (found,) = sets(cluster).values()
    shown = status(cluster)
    conditions = shown.pop("conditions")
    assert shown == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in conditions] == [
        (
            "Available", "True", "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        ),
        (
            "Progressing", "True", "NewReplicaSetAvailable",
            f'ReplicaSet "{name_of(found)}" has successfully progressed.',
        ),
    ]  # fmt: skip


def test_before_its_pods_are_ready_it_says_so() -> None:
    cluster = Harness("deployment-controller", "replicaset-controller")
    cluster.add(deployment("web", 3))
    assert cluster.conditions(kinds.DEPLOYMENTS, "web") == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("True", "ReplicaSetUpdated"),
    }
    assert status(cluster)["unavailableReplicas"] == 3


def test_a_new_template_goes_up_by_the_surge_and_down_by_availability() -> None:
    cluster = started(4)
    roll(cluster, "nginx:2")
    assert sizes(cluster) == {"1": 3, "2": 2}  # 25 % more, 25 % fewer
    cluster.run_pods()
    assert sizes(cluster) == {"1": 1, "2": 4}
    cluster.run_pods()
    assert sizes(cluster) == {"1": 0, "2": 4}
    words = [e.rsplit(" from ")[1] for e in cluster.events("ScalingReplicaSet")]
    assert words == ["0 to 4", "0 to 1", "4 to 3", "1 to 2", "3 to 1", "2 to 4", "1 to 0"]


def test_at_no_moment_are_fewer_available_than_allowed() -> None:
    cluster = started(8)
    roll(cluster, "nginx:2")
    for _ in range(40):
        cluster.run_pods(count=1)
        cluster.finish_deletions()
        ready = [p for p in cluster.living() if p["status"]["phase"] == "Running"]
        assert len(ready) >= 6
        assert len(cluster.living()) <= 10
    assert sizes(cluster) == {"1": 0, "2": 8}


def test_no_surge_and_one_unavailable_replaces_pod_by_pod() -> None:
    rolling = {"maxSurge": 0, "maxUnavailable": 1}
    cluster = started(3, strategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    roll(cluster, "nginx:2")
    assert sizes(cluster) == {"1": 2, "2": 1}
    cluster.run_pods()
    assert sizes(cluster) == {"1": 1, "2": 2}


def test_recreate_waits_until_the_last_old_pod_is_gone() -> None:
    cluster = started(2, strategy={"type": "Recreate"})
    roll(cluster, "nginx:2")
    assert sizes(cluster) == {"1": 0}
    assert len(cluster.pods()) == 2
    cluster.finish_deletions()
    assert sizes(cluster) == {"1": 0, "2": 2}


def test_scaling_during_a_rollout_is_shared_in_proportion() -> None:
    cluster = started(10, strategy={
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2},
    })  # fmt: skip
    roll(cluster, "nginx:bad")
    assert sizes(cluster) == {"1": 8, "2": 5}
    cluster.set_spec(kinds.DEPLOYMENTS, "web", replicas=15)
    assert sizes(cluster) == {"1": 11, "2": 7}


def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    cluster = started(3)
    cluster.set_spec(kinds.DEPLOYMENTS, "web", paused=True)
    assert cluster.conditions(kinds.DEPLOYMENTS, "web")["Progressing"] == (
        "Unknown",
        "DeploymentPaused",
    )
    roll(cluster, "nginx:2")
    cluster.set_spec(kinds.DEPLOYMENTS, "web", replicas=5)
    assert sizes(cluster) == {"1": 5}
    cluster.set_spec(kinds.DEPLOYMENTS, "web", paused=False)
    finish_rollout(cluster)
    assert sizes(cluster) == {"1": 0, "2": 5}
    assert cluster.conditions(kinds.DEPLOYMENTS, "web")["Progressing"] == (
        "True",
        "NewReplicaSetAvailable",
    )


def test_rolling_back_revives_the_old_set_as_the_newest_revision() -> None:
    cluster = started(2)
    first = cluster.get(kinds.DEPLOYMENTS, "web")["spec"]["template"]
    roll(cluster, "nginx:2")
    finish_rollout(cluster)
    cluster.set_spec(kinds.DEPLOYMENTS, "web", template=first)
    finish_rollout(cluster)
    assert sizes(cluster) == {"2": 0, "3": 2}
    revived = sets(cluster)["3"]
    assert annotations_of(revived)["deployment.kubernetes.io/revision-history"] == "1"
    assert annotations_of(cluster.get(kinds.DEPLOYMENTS, "web"))[REVISION] == "3"


def test_the_change_cause_stays_with_its_revision() -> None:
    cluster = started(2)
    cause = {"kubernetes.io/change-cause": "second"}

    def second(obj: Object) -> Object:
        meta = {**obj["metadata"], "annotations": {**annotations_of(obj), **cause}}
        spec = {**obj["spec"], "template": template({"app": "web"}, "nginx:2")}
        return {**obj, "metadata": meta, "spec": spec}

    cluster.change(kinds.DEPLOYMENTS, "web", second)
    finish_rollout(cluster)
    found = sets(cluster)
    assert "kubernetes.io/change-cause" not in annotations_of(found["1"])
    assert annotations_of(found["2"])["kubernetes.io/change-cause"] == "second"


def test_old_sets_beyond_the_history_limit_go() -> None:
    cluster = started(1, revisionHistoryLimit=1)
    for version in (2, 3, 4):
        roll(cluster, f"nginx:{version}")
        finish_rollout(cluster)
    assert sizes(cluster) == {"3": 0, "4": 1}


def test_a_rollout_without_progress_times_out_after_its_deadline() -> None:
    cluster = started(3, progressDeadlineSeconds=60)
    roll(cluster, "nginx:bad")
    cluster.advance(59)
    assert cluster.conditions(kinds.DEPLOYMENTS, "web")["Progressing"][0] == "True"
    cluster.advance(1)
    assert cluster.conditions(kinds.DEPLOYMENTS, "web")["Progressing"] == (
        "False",
        "ProgressDeadlineExceeded",
    )
    before = cluster.registry.store.revision()
    cluster.advance(600)
    assert cluster.registry.store.revision() == before
    finish_rollout(cluster)
    assert cluster.conditions(kinds.DEPLOYMENTS, "web")["Progressing"] == (
        "True",
        "NewReplicaSetAvailable",
    )


def test_a_pod_lost_later_costs_availability_but_no_progress() -> None:
    cluster = started(2, strategy={
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    })  # fmt: skip
    cluster.delete(kinds.PODS, name_of(cluster.pods()[0]))
    assert cluster.conditions(kinds.DEPLOYMENTS, "web") == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }


def test_pods_count_only_after_min_ready_seconds() -> None:
    cluster = started(2, minReadySeconds=30)
    roll(cluster, "nginx:2")
    cluster.advance(30)
    cluster.run_pods()
    assert status(cluster)["updatedReplicas"] == 1
    cluster.advance(30)
    assert sizes(cluster) == {"1": 1, "2": 2}


def test_a_name_that_is_taken_raises_the_collision_count() -> None:
    probe = started(1)
    (found,) = sets(probe).values()
    cluster = Harness("deployment-controller", "replicaset-controller")
    squatter = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name_of(found), "namespace": "default"},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "other"}},
            "template": template({"app": "other"}),
        },
    }  # fmt: skip
    cluster.add(squatter, deployment("web", 1))
    assert status(cluster)["collisionCount"] == 1
    assert len(cluster.living(app="web")) == 1


def test_a_replica_failure_is_shown_on_the_deployment() -> None:
    cluster = Harness("deployment-controller", "replicaset-controller")
    refused = template({"app": "web"}, serviceAccountName="nobody")
    cluster.add(deployment("web", 1, template=refused))
    cluster.advance(1)
    found = cluster.conditions(kinds.DEPLOYMENTS, "web")
    assert found["ReplicaFailure"] == ("True", "FailedCreate")


def test_a_set_that_somebody_scales_is_put_back() -> None:
    cluster = Harness("deployment-controller", "replicaset-controller")
    cluster.add(deployment("web", 2))
    cluster.run_pods()
    (found,) = cluster.user.list(kinds.REPLICA_SETS)
    cluster.set_spec(kinds.REPLICA_SETS, found["metadata"]["name"], replicas=5)
    (found,) = cluster.user.list(kinds.REPLICA_SETS)
    assert found["spec"]["replicas"] == 2
    assert len(cluster.living()) == 2
