"""DaemonSets: one pod on every node that it fits."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, labels_of, name_of
from tests.controllers.harness import Harness, daemon_set, node, template


def started(nodes: int = 3, **spec: Any) -> Harness:
    cluster = Harness("daemonset-controller")
    cluster.add(*(node(f"n{i}") for i in range(1, nodes + 1)))
    cluster.add(daemon_set("agent", **spec))
    cluster.run_pods()
    return cluster


def places(cluster: Harness) -> list[str]:
    return sorted(p["spec"]["nodeName"] for p in cluster.living())


def roll(cluster: Harness, image: str) -> None:
    cluster.set_spec(kinds.DAEMON_SETS, "agent", template=template({"app": "agent"}, image))


def images(cluster: Harness) -> list[str]:
    return sorted(p["spec"]["containers"][0]["image"] for p in cluster.living())


def test_every_node_gets_a_pod_that_only_fits_there() -> None:
    cluster = started()
    assert places(cluster) == ["n1", "n2", "n3"]
    (first,) = [p for p in cluster.pods() if p["spec"]["nodeName"] == "n1"]
    assert first["spec"]["affinity"]["nodeAffinity"] == {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchFields": [
                        {"key": "metadata.name", "operator": "In", "values": ["n1"]},
                    ]
                }
            ]
        }
    }
    tolerated = {(t["key"], t["effect"]) for t in first["spec"]["tolerations"]}
    assert ("node.kubernetes.io/not-ready", "NoExecute") in tolerated
    assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated


def test_pods_carry_the_revisions_hash_and_the_templates_generation() -> None:
    cluster = started(1)
    (revision,) = cluster.user.list(kinds.CONTROLLER_REVISIONS, "default")
    labels = labels_of(cluster.pods()[0])
    assert labels["controller-revision-hash"] == labels_of(revision)["controller-revision-hash"]
    assert labels["pod-template-generation"] == "1"
    roll(cluster, "agent:2")
    cluster.finish_deletions()
    assert labels_of(cluster.living()[0])["pod-template-generation"] == "2"


def test_its_status_counts_nodes() -> None:
    cluster = started()
    assert cluster.get(kinds.DAEMON_SETS, "agent")["status"] == {
        "currentNumberScheduled": 3,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 3,
        "numberReady": 3,
        "observedGeneration": 1,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }


def test_a_new_node_gets_one_and_a_node_that_stops_fitting_loses_its() -> None:
    cluster = started(2, template=template({"app": "agent"}, nodeSelector={"disk": "ssd"}))
    assert cluster.pods() == []

    def relabel(disk: str) -> Any:
        def change(obj: Object) -> Object:
            labels = {**labels_of(obj), "disk": disk}
            return {**obj, "metadata": {**obj["metadata"], "labels": labels}}

        return change

    cluster.change(kinds.NODES, "n2", relabel("ssd"))
    cluster.run_pods()
    assert places(cluster) == ["n2"]
    cluster.change(kinds.NODES, "n2", relabel("hdd"))
    assert cluster.living() == []


def test_a_no_execute_taint_drives_it_out_and_no_schedule_lets_it_stay() -> None:
    cluster = started(2)
    cluster.set_spec(kinds.NODES, "n1", taints=[{"key": "a", "effect": "NoSchedule"}])
    assert places(cluster) == ["n1", "n2"]
    cluster.set_spec(kinds.NODES, "n1", taints=[{"key": "a", "effect": "NoExecute"}])
    assert places(cluster) == ["n2"]


def test_an_update_takes_one_node_after_the_other() -> None:
    cluster = started()
    roll(cluster, "agent:2")
    assert len(cluster.living()) == 2
    cluster.finish_deletions()
    assert images(cluster).count("agent:2") == 1
    assert len(cluster.living()) == 3  # and nobody else goes before it is ready
    for _ in range(6):
        cluster.run_pods()
        cluster.finish_deletions()
    assert images(cluster) == ["agent:2"] * 3


def test_with_surge_the_new_pod_comes_before_the_old_one_goes() -> None:
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    cluster = started(2, updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    roll(cluster, "agent:2")
    assert len(cluster.living()) == 3
    cluster.run_pods()
    assert images(cluster).count("agent:2") == 2
    for _ in range(4):
        cluster.run_pods()
        cluster.finish_deletions()
    assert images(cluster) == ["agent:2"] * 2


def test_on_delete_waits_for_the_user() -> None:
    cluster = started(2, updateStrategy={"type": "OnDelete"})
    roll(cluster, "agent:2")
    assert "agent:2" not in images(cluster)
    cluster.delete(kinds.PODS, name_of(cluster.pods()[0]))
    cluster.finish_deletions()
    assert images(cluster).count("agent:2") == 1


def test_a_failed_pod_is_replaced_with_growing_patience() -> None:
    cluster = started(1)
    made = []
    for _ in range(4):
        (pod,) = cluster.living()
        began = cluster.now
        cluster.end(pod, "Failed")
        while not cluster.living():
            cluster.finish_deletions()
            if not cluster.living():
                cluster.advance(0.5)
        made.append(cluster.now - began)
        cluster.run_pods()
    assert made == [0, 1, 2, 4]
    assert len(cluster.events("FailedDaemonPod")) == 4


def test_rolling_back_makes_the_old_revision_the_newest() -> None:
    cluster = started(1)
    first = cluster.get(kinds.DAEMON_SETS, "agent")["spec"]["template"]
    roll(cluster, "agent:2")
    cluster.set_spec(kinds.DAEMON_SETS, "agent", template=first)
    numbers = [r["revision"] for r in cluster.user.list(kinds.CONTROLLER_REVISIONS, "default")]
    assert sorted(numbers) == [2, 3]
