"""ReplicaSets: as many pods as asked for, and the right ones go first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from cluster.client import kinds
from cluster.controllers.podcontrol import PodControl
from cluster.machinery.meta import Object, controller_of, name_of
from tests.controllers.harness import Harness, pod, replica_set, simple, workload


def sets() -> Harness:
    return Harness("replicaset-controller")


def test_missing_pods_are_made_from_the_template_with_generated_names() -> None:
    cluster = sets()
    owner = cluster.add(replica_set("web", 3))
    pods = cluster.pods(app="web")
    assert len(pods) == 3
    assert all(name_of(p).startswith("web-") and len(name_of(p)) == 9 for p in pods)
    reference = controller_of(pods[0])
    assert reference is not None
    assert (reference["kind"], reference["uid"]) == ("ReplicaSet", owner["metadata"]["uid"])
    assert len(cluster.events("SuccessfulCreate", "web")) == 3


def test_at_most_500_pods_are_made_in_one_go_and_the_rest_follows() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 1100))
    assert len(cluster.pods()) == 1100
    assert len(cluster.events("SuccessfulCreate")) == 10


def test_the_status_counts_ready_available_and_terminating_pods() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 3, minReadySeconds=10))
    cluster.run_pods(count=2)
    status = cluster.get(kinds.REPLICA_SETS, "web")["status"]
    assert status == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "terminatingReplicas": 0,
        "observedGeneration": 1,
    }
    cluster.advance(10)
    assert cluster.get(kinds.REPLICA_SETS, "web")["status"]["availableReplicas"] == 2
    ready = [p for p in cluster.pods() if p["status"]["phase"] == "Running"]
    cluster.delete(kinds.PODS, name_of(ready[0]))
    assert cluster.get(kinds.REPLICA_SETS, "web")["status"]["terminatingReplicas"] == 1


def test_a_deleted_pod_is_replaced_while_it_still_terminates() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 2))
    cluster.run_pods()
    cluster.delete(kinds.PODS, name_of(cluster.pods()[0]))
    assert len(cluster.pods()) == 3
    assert len(cluster.living()) == 2


def test_an_ended_pod_is_replaced() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 1))
    cluster.run_pods()
    cluster.end(cluster.pods()[0], "Failed")
    assert len(cluster.living()) == 1


def test_scaling_down_takes_unassigned_then_pending_then_not_ready_pods() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 4))
    unassigned, pending, unready, ready = (name_of(p) for p in cluster.pods())
    for name, phase in ((pending, "Pending"), (unready, "Running"), (ready, "Running")):
        cluster.bind(name, "n1")
        cluster.set_status(cluster._pod(name), phase=phase)
    cluster.make_ready(cluster._pod(ready))
    order = [unassigned, pending, unready, ready]
    for left in (3, 2, 1):
        cluster.set_spec(kinds.REPLICA_SETS, "web", replicas=left)
        assert {name_of(p) for p in cluster.living()} == set(order[4 - left :])


def test_scaling_down_takes_cheap_pods_then_those_on_crowded_nodes_then_young_ones() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 1))
    (old,) = (name_of(p) for p in cluster.pods())
    cluster.bind(old, "n3")
    cluster.make_ready(cluster.set_status(cluster._pod(old), phase="Running"))
    cluster.advance(1000)
    cluster.set_spec(kinds.REPLICA_SETS, "web", replicas=5)
    cheap, crowded, crowding, young = (n for p in cluster.pods() if (n := name_of(p)) != old)
    places = {cheap: "n1", crowded: "n2", crowding: "n2", young: "n4"}
    for name, node in places.items():
        cluster.bind(name, node)
        cluster.make_ready(cluster.set_status(cluster._pod(name), phase="Running"))
    cost = {"controller.kubernetes.io/pod-deletion-cost": "-1"}
    cluster.change(
        kinds.PODS, cheap, lambda p: {**p, "metadata": {**p["metadata"], "annotations": cost}}
    )
    gone = []
    for left in (4, 3, 2, 1):
        before = {name_of(p) for p in cluster.living()}
        cluster.set_spec(kinds.REPLICA_SETS, "web", replicas=left)
        gone += sorted(before - {name_of(p) for p in cluster.living()})
    assert gone[0] == cheap
    assert gone[1] in (crowded, crowding)
    assert old not in gone
    assert len(cluster.events("SuccessfulDelete", "web")) == 4


def test_an_orphan_that_matches_is_adopted_and_one_that_stops_matching_is_released() -> None:
    cluster = sets()
    cluster.add(pod("stray").labelled(app="web"))
    owner = cluster.add(replica_set("web", 1))
    assert [name_of(p) for p in cluster.pods()] == ["stray"]
    adopted = controller_of(cluster._pod("stray"))
    assert adopted is not None and adopted["uid"] == owner["metadata"]["uid"]
    other = {"labels": {"app": "quarantine"}}
    cluster.change(kinds.PODS, "stray", lambda p: {**p, "metadata": {**p["metadata"], **other}})
    assert controller_of(cluster._pod("stray")) is None
    assert len(cluster.pods(app="web")) == 1


def test_a_refused_creation_is_told_and_tried_again_with_one_pod_and_growing_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    create = PodControl.create

    def counted(self: PodControl, owner: Object, pods: Iterable[Object], *rest: Any) -> None:
        listed = list(pods)
        asked.append(len(listed))
        create(self, owner, listed, *rest)

    cluster = sets()
    template = workload("ReplicaSet", "web")["spec"]["template"]
    template["spec"]["serviceAccountName"] = "robot"
    cluster.add(replica_set("web", 20, template=template))
    why = (
        'pods "web-" is forbidden: error looking up service account default/robot: '
        'serviceaccount "robot" not found'
    )
    assert cluster.events("FailedCreate") == [f"FailedCreate: Error creating: {why}"]
    cluster.advance(1)
    status = cluster.get(kinds.REPLICA_SETS, "web")["status"]
    (failure,) = status["conditions"]
    assert (failure["type"], failure["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert failure["message"] == why
    (event,) = [e for e in cluster.user.list(kinds.EVENTS) if e["reason"] == "FailedCreate"]
    assert event["count"] == 8  # at 0, 5, 15, 35, 75, 155, 315 and 635 ms
    monkeypatch.setattr(PodControl, "create", counted)
    cluster.advance(1)
    assert asked == [1]
    cluster.add(simple("ServiceAccount", "robot", namespace="default"))
    cluster.advance(5)
    assert len(cluster.pods()) == 20
    assert "conditions" not in cluster.get(kinds.REPLICA_SETS, "web")["status"]


def test_in_a_terminating_namespace_it_gives_up_quietly() -> None:
    cluster = sets()
    cluster.add(simple("Namespace", "team"))
    cluster.add(simple("ServiceAccount", "default", namespace="team"))
    owner = replica_set("web", 1)
    owner["metadata"]["namespace"] = "team"
    cluster.add(owner)
    cluster.delete(kinds.NAMESPACES, "team")
    (only,) = cluster.pods("team")
    cluster.delete(kinds.PODS, name_of(only), "team")
    assert cluster.events("FailedCreate") == []
    assert cluster.settle() is None


def test_a_restarted_controller_makes_nothing_twice() -> None:
    cluster = sets()
    cluster.add(replica_set("web", 3))
    cluster.restart()
    assert len(cluster.pods()) == 3
