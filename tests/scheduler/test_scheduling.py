"""From a created pod to a bound one, or to the words that say why not."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import Object, condition
from tests.scheduler.harness import Harness, node, pod, taint

PREEMPTION = "preemption: 0/{0} nodes are available: {0} Preemption is not helpful for scheduling."


def test_a_pod_is_bound_and_an_event_says_where() -> None:
    h = Harness()
    h.add(node("n1"), pod("web", "1"))
    h.settle()
    assert h.where("web") == "n1"
    assert h.events("web") == [("Scheduled", "Successfully assigned default/web to n1")]


def test_binding_is_recorded_as_done_by_the_scheduler_for_that_pod() -> None:
    h = Harness()
    h.add(node("n1"), pod("web"))
    h.settle()
    origins = {
        (e.origin.component, e.origin.reconcile)
        for e in h.registry.store.events(0)
        if b"/pods/default/web" in e.key
    }
    assert ("kube-scheduler", "default/web") in origins


def test_pods_spread_over_equal_nodes_by_what_they_request() -> None:
    h = Harness()
    h.add(*(node(f"n{i}") for i in range(4)), *(pod(f"p{i}", "2") for i in range(8)))
    h.settle()
    places = [h.where(f"p{i}") for i in range(8)]
    assert sorted(places) == sorted([f"n{i}" for i in range(4)] * 2)


def test_the_same_seed_gives_the_same_placement_and_another_seed_another() -> None:
    def places(seed: int) -> list[str]:
        h = Harness(seed=seed)
        h.add(*(node(f"n{i}") for i in range(9)), *(pod(f"p{i}", "1") for i in range(9)))
        h.settle()
        return [h.where(f"p{i}") for i in range(9)]

    assert places(1) == places(1)
    assert places(1) != places(2)


def test_a_pod_that_fits_nowhere_says_why_in_upstreams_words() -> None:
    h = Harness()
    tainted = node("n1", taints=[taint("node-role.kubernetes.io/control-plane")])
    h.add(tainted, node("n2", "1"), node("n3", "2"), pod("big", "3"))
    h.settle()
    message = (
        "0/3 nodes are available: 1 node(s) had untolerated taint "
        "{node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. " + PREEMPTION.format(3)
    )
    assert h.events("big") == [("FailedScheduling", message)]
    found = condition(h.get("big")["status"]["conditions"], "PodScheduled")
    assert found is not None
    assert (found["status"], found["reason"], found["message"]) == (
        "False",
        "Unschedulable",
        message,
    )


def test_several_reasons_of_one_node_are_all_counted() -> None:
    h = Harness()
    h.add(node("n1", "1", "1Gi", 0), pod("big", "2", "2Gi", requests={"example.com/gpu": "1"}))
    h.settle()
    assert h.why("big").startswith(
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, "
        "1 Insufficient memory, 1 Too many pods. "
    )


def test_the_reasons_of_node_selector_cordon_and_host_ports() -> None:
    h = Harness()
    ports = [{"containerPort": 80, "hostPort": 8080}]
    cordoned = node("n1", labels={"disk": "ssd"}, unschedulable=True)
    h.add(cordoned, node("n2"), node("n3", labels={"disk": "ssd"}))
    h.add(pod("first", ports=ports, nodeName="n3"))
    h.add(pod("second", ports=ports, nodeSelector={"disk": "ssd"}))
    h.settle()
    assert h.why("second").startswith(
        "0/3 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, "
        "1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable."
    )


def test_without_nodes_there_is_nothing_to_count() -> None:
    h = Harness()
    h.add(pod("web"))
    h.settle()
    assert h.events("web") == [("FailedScheduling", "no nodes available to schedule pods")]
    h.add(node("n1"))
    h.settle()
    assert h.where("web") == "n1"


def test_a_daemon_pod_goes_to_its_node_and_counts_the_others_as_not_asked() -> None:
    def pinned(name: str, where: str) -> Object:
        field = {"key": "metadata.name", "operator": "In", "values": [where]}
        terms = [{"matchFields": [field]}]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        return pod(name, "1", affinity={"nodeAffinity": required})

    h = Harness()
    h.add(node("n1"), node("n2"), node("n3", "0"))
    h.add(pinned("d2", "n2"), pinned("d3", "n3"), pinned("d1", "n1"))
    h.settle()
    assert [h.where(f"d{i}") for i in (1, 2, 3)] == ["n1", "n2", ""]
    assert h.why("d3").startswith(
        "0/3 nodes are available: 1 Insufficient cpu, "
        "2 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: "
    )


def test_higher_priority_goes_first() -> None:
    h = Harness()
    h.add(pod("low", "1"), pod("high", "1", priorityClassName="system-node-critical",
                               priority=2_000_001_000))  # fmt: skip
    h.add(node("n1", "1"))
    h.settle()
    assert (h.where("high"), h.where("low")) == ("n1", "")


def test_a_gated_pod_is_not_tried_until_its_gates_are_gone() -> None:
    h = Harness()
    h.add(node("n1"), pod("web", schedulingGates=[{"name": "a/b"}]))
    h.settle()
    assert (h.where("web"), h.events("web")) == ("", [])
    stored = h.get("web")
    h.user.do_update({**stored, "spec": {**stored["spec"], "schedulingGates": []}})
    h.settle()
    assert h.where("web") == "n1"


def test_pods_of_other_schedulers_are_left_alone() -> None:
    h = Harness()
    h.add(node("n1"), pod("web", schedulerName="mine"))
    h.settle()
    assert (h.where("web"), h.events("web")) == ("", [])


def test_a_pod_bound_by_somebody_else_takes_up_room_and_leaves_the_queue() -> None:
    h = Harness()
    h.add(node("n1", "1"), pod("a", "1"), pod("b", "1"))
    h.user.bind(h.get("a"), "n1")
    h.user.flush()
    h.settle()
    assert h.where("b") == ""
    assert h.events("a") == []


def test_finished_and_deleted_pods_free_their_room() -> None:
    h = Harness()
    h.add(node("n1", "2"), pod("a", "1", nodeName="n1"), pod("b", "1", nodeName="n1"))
    h.add(pod("c", "1"), pod("d", "1"))
    h.settle()
    h.user.do_update({**h.get("a"), "status": {"phase": "Succeeded"}}, subresource="status")
    h.settle()
    assert sorted((h.where("c"), h.where("d"))) == ["", "n1"]
    h.delete_pod("b")
    h.settle()
    assert (h.where("c"), h.where("d")) == ("n1", "n1")


def test_a_binding_refused_by_the_api_is_told_and_tried_again() -> None:
    h = Harness()
    h.add(node("n1"), pod("web"))
    h.env.informers.sync()
    stored = h.get("web")
    h.user.do_update({**stored, "metadata": {**stored["metadata"], "labels": {"a": "b"}}})
    h.settle()  # the version that was bound is out of date; the binding holds all the same
    assert h.where("web") == "n1"


def test_a_pod_deleted_before_its_binding_is_forgotten() -> None:
    h = Harness()
    h.add(node("n1", "1"), pod("web", "1"))
    h.env.informers.sync()
    h.delete_pod("web")
    h.scheduler.process(h.clock.now())
    h.env.client.flush()
    h.settle()
    h.add(pod("next", "1"))
    h.settle()
    assert h.where("next") == "n1"
    assert [r for r, _ in h.events("web")] == []


def test_a_pod_made_anew_under_its_old_name_is_another_pod() -> None:
    h = Harness()
    h.add(pod("web", "9"))
    h.settle()
    informer = h.env.informers[kinds.PODS]
    h.delete_pod("web")
    h.add(node("n1"), pod("web", "1"))
    informer.replace(h.user.list(kinds.PODS), h.registry.store.revision())  # as after a compaction
    h.settle()
    assert h.where("web") == "n1"


def test_nodes_that_vanish_are_no_longer_counted() -> None:
    h = Harness()
    h.add(node("n1"), node("n2", "1"), pod("big", "5", nodeName="n1"))
    h.settle()
    h.user.do_delete(kinds.NODES, "", "n1")
    h.add(pod("p", "2"))
    h.settle()
    assert h.why("p").startswith("0/1 nodes are available: 1 Insufficient cpu.")
    h.add(node("n1"))
    h.settle()
    assert h.where("p") == "n1"


def test_decisions_are_kept_with_winner_scores_and_reasons() -> None:
    h = Harness()
    h.add(node("n1"), node("n2", "4"), pod("web", "1"), pod("big", "100"))
    h.settle()
    (placed,) = h.scheduler.decisions.of("default/web")
    assert (placed.node, placed.best[0][0], len(placed.best)) == ("n1", "n1", 2)
    assert placed.best[0][1] > placed.best[1][1]
    (failed,) = h.scheduler.decisions.of("default/big")
    assert (failed.node, failed.reasons) == ("", {"Insufficient cpu": 2})
