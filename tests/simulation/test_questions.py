"""Questions about scheduling: answers are true, and nothing happens because of them."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.errors import StatusError
from cluster.simulation import Shape, Simulation
from cluster.simulation.questions import SchedulerQuestions
from workers.bench.objects import deployment


def asking(cpu: str, replicas: int = 1, name: str = "web") -> dict[str, Any]:
    out = deployment(name, replicas)
    out["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    return out


@pytest.fixture
def simulation() -> Simulation:
    out = Simulation(Shape(nodes=3))
    out.advance(30)
    return out


def status(simulation: Simulation, **spec: Any) -> dict[str, Any]:
    before = simulation.store.revision()
    found = SchedulerQuestions(simulation.registry).what_if({"spec": spec})["status"]
    assert simulation.store.revision() == before
    return found


def test_pods_of_a_workload_land_where_the_scheduler_would_put_them(
    simulation: Simulation,
) -> None:
    found = status(simulation, objects=[asking("3", 5)])
    assert len(found["placements"]) == 5
    assert not found["pending"]
    crowded = status(simulation, objects=[asking("3", 9)])
    assert len(crowded["placements"]) < 9
    assert "Insufficient cpu" in crowded["pending"][0]["message"]


def test_new_nodes_take_what_did_not_fit(simulation: Simulation) -> None:
    found = status(
        simulation, objects=[asking("3", 9)], addNodes={"count": 3, "like": "minikube-m02"}
    )
    assert not found["pending"]
    assert any(p["node"].startswith("new-") for p in found["placements"])


def test_a_drain_says_where_its_pods_go(simulation: Simulation) -> None:
    simulation.client.do_create(asking("1", 6))
    simulation.advance(30)
    here = [
        p["metadata"]["name"]
        for p in simulation.client.list(kinds.PODS, "default")
        if p["spec"]["nodeName"] == "minikube-m02"
    ]
    found = status(simulation, drain=["minikube-m02"])
    placed = {p["name"]: p["node"] for p in found["placements"] if p["namespace"] == "default"}
    assert set(placed) == set(here)
    assert "minikube-m02" not in placed.values()


def test_how_many_more_fit_and_which_nodes_could_go(simulation: Simulation) -> None:
    found = status(simulation, objects=[asking("1")], howManyMore=True, couldGo=True)
    free = found["howManyMore"]
    assert 10 < free < 24
    assert set(found["couldGo"]) == {"minikube-m02", "minikube-m03"}
    simulation.client.do_create(asking("3", 5))
    simulation.advance(30)
    assert status(simulation, couldGo=True)["couldGo"] == []


@pytest.mark.parametrize(
    "spec, text",
    [
        ({}, "ask with one of"),
        ({"objects": [{"kind": "Service"}]}, "a Service makes no pods"),
        ({"drain": ["nowhere"]}, 'nodes "nowhere" not found'),
        ({"addNodes": {"count": -1}}, "must be between 0 and 5000"),
        ({"howManyMore": True}, "needs a pod"),
        ({"nonsense": 1}, 'unknown field "nonsense"'),
    ],
)
def test_a_bad_question_is_refused(simulation: Simulation, spec: Any, text: str) -> None:
    with pytest.raises(StatusError, match=text):
        SchedulerQuestions(simulation.registry).what_if({"spec": spec})


def test_a_decision_is_kept_and_explained_from_its_revision(simulation: Simulation) -> None:
    simulation.client.do_create(asking("1", 2))
    simulation.advance(30)
    decision = simulation.client.list(kinds.SCHEDULING_DECISIONS, "default")[0]
    name = decision["metadata"]["name"]
    pod = simulation.client.get(kinds.PODS, "default", name)
    assert decision["status"]["node"] == pod["spec"]["nodeName"]
    found = SchedulerQuestions(simulation.registry).explain("default", name)
    best = max((n for n in found["nodes"] if n["feasible"]), key=lambda n: n["total"])
    chosen = next(n for n in found["nodes"] if n["name"] == pod["spec"]["nodeName"])
    assert chosen["total"] == best["total"]
    assert {s["plugin"] for s in best["scores"]} >= {"NodeResourcesFit", "ImageLocality"}


def test_a_pod_that_fits_nowhere_is_told_the_nearest_miss(simulation: Simulation) -> None:
    simulation.client.do_create(asking("9"))
    simulation.advance(30)
    decision = simulation.client.list(kinds.SCHEDULING_DECISIONS, "default")[0]
    assert decision["status"]["node"] == ""
    assert "Insufficient cpu" in decision["status"]["message"]
    found = SchedulerQuestions(simulation.registry).explain("default", decision["metadata"]["name"])
    assert found["nearestMiss"]["missing"].keys() == {"cpu"}


def test_a_compacted_revision_says_so(simulation: Simulation) -> None:
    simulation.client.do_create(asking("1"))
    simulation.advance(30)
    name = simulation.client.list(kinds.SCHEDULING_DECISIONS, "default")[0]["metadata"]["name"]
    simulation.store.compact(simulation.store.revision())
    with pytest.raises(StatusError, match="is compacted") as refused:
        SchedulerQuestions(simulation.registry).explain("default", name)
    assert refused.value.code == 410


def test_decisions_go_after_an_hour(simulation: Simulation) -> None:
    simulation.client.do_create(asking("1"))
    simulation.advance(30)
    assert simulation.client.list(kinds.SCHEDULING_DECISIONS, "default")
    simulation.advance(3700)
    assert not simulation.client.list(kinds.SCHEDULING_DECISIONS, "default")


def test_a_pod_of_the_same_name_replaces_the_decision(simulation: Simulation) -> None:
    def pod(cpu: str) -> dict[str, Any]:
        container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"containers": [container]},
        }

    nodes = []
    for cpu in ("99", "1", "88"):
        made = simulation.client.do_create(pod(cpu))
        simulation.advance(10)
        found = simulation.client.get(kinds.SCHEDULING_DECISIONS, "default", "p")
        assert found["spec"]["podUID"] == made["metadata"]["uid"]
        nodes.append(bool(found["status"]["node"]))
        simulation.client.delete(made, grace=0)
        simulation.client.flush()
        simulation.advance(10)
    assert nodes == [False, True, False]
