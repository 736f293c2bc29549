"""A node loses its power: 40 s until it is Unknown, 300 s until its pods are replaced."""

from __future__ import annotations

from time import process_time

import pytest

from cluster.client import kinds
from cluster.machinery.clock import parse_time
from cluster.machinery.meta import condition, name_of
from cluster.simulation import Shape, Simulation
from tests.simulation.builders import deployment, events, power_off, ready, service

LOST = "minikube-m02"


def start(seed: int = 1) -> Simulation:
    simulation = Simulation(Shape(nodes=3), seed=seed)
    simulation.client.do_create(deployment("web", 6))
    simulation.client.do_create(service("web"))
    simulation.advance(60)
    return simulation


def endpoints(simulation: Simulation) -> set[str]:
    return {
        endpoint["nodeName"]
        for each in simulation.client.list(kinds.ENDPOINT_SLICES, "default")
        if each["metadata"].get("labels", {}).get("kubernetes.io/service-name") == "web"
        for endpoint in each["endpoints"]
        if endpoint["conditions"].get("ready")
    }


def ready_condition(simulation: Simulation) -> dict[str, str]:
    node = simulation.client.get(kinds.NODES, "", LOST)
    found = condition(node["status"]["conditions"], "Ready")
    assert found is not None
    return found


def test_nothing_is_known_of_the_loss_until_the_lease_is_40_seconds_old() -> None:
    simulation = start()
    assert len(ready(simulation, "web")) == 6
    simulation.client.do_create(power_off(LOST))
    simulation.advance(29)
    assert ready_condition(simulation)["status"] == "True"
    simulation.advance(22)
    found = ready_condition(simulation)
    assert found["status"] == "Unknown"
    assert found["reason"] == "NodeStatusUnknown"
    assert found["message"] == "Kubelet stopped posting node status."
    assert LOST not in endpoints(simulation)
    assert [e["involvedObject"]["name"] for e in events(simulation, "NodeNotReady")].count(
        LOST
    ) >= 1
    taints = simulation.client.get(kinds.NODES, "", LOST)["spec"]["taints"]
    assert {(t["key"], t["effect"]) for t in taints} == {
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }


def test_after_300_more_seconds_its_pods_are_replaced_elsewhere() -> None:
    simulation = start()
    doomed = {name_of(p) for p in ready(simulation, "web") if p["spec"]["nodeName"] == LOST}
    assert doomed
    off = simulation.clock.now()
    simulation.client.do_create(power_off(LOST))
    simulation.advance(335)
    assert doomed & {name_of(p) for p in simulation.client.list(kinds.PODS, "default")} == doomed
    assert simulation.run_until(lambda: len(ready(simulation, "web")) == 6, within=30)
    assert 330 <= simulation.clock.now() - off <= 360
    assert {p["spec"]["nodeName"] for p in ready(simulation, "web")} == {"minikube", "minikube-m03"}
    assert len(events(simulation, "TaintManagerEviction")) >= len(doomed)
    # Nobody confirms the end of a pod on a dead node: it stays Terminating, as upstream.
    left = [p for p in simulation.client.list(kinds.PODS, "default") if name_of(p) in doomed]
    assert {name_of(p) for p in left} == doomed
    assert all("deletionTimestamp" in p["metadata"] for p in left)


def test_a_repaired_node_comes_back_clean() -> None:
    simulation = start()
    simulation.client.do_create(power_off(LOST))
    simulation.advance(400)
    simulation.client.do_delete(kinds.FAULTS, "", "power-off")
    simulation.advance(60)
    node = simulation.client.get(kinds.NODES, "", LOST)
    assert ready_condition(simulation)["status"] == "True"
    assert not node["spec"].get("taints")
    assert len(simulation.client.list(kinds.PODS, "default")) == 6


def test_a_short_outage_evicts_nobody() -> None:
    simulation = start()
    before = {name_of(p) for p in ready(simulation, "web")}
    simulation.client.do_create(power_off(LOST))
    simulation.advance(120)
    simulation.client.do_delete(kinds.FAULTS, "", "power-off")
    simulation.advance(400)
    assert {name_of(p) for p in ready(simulation, "web")} == before


def test_the_lease_shows_the_last_true_renewal() -> None:
    simulation = start()
    off = simulation.clock.now()
    simulation.client.do_create(power_off(LOST))
    simulation.advance(20)
    lease = simulation.client.get(kinds.LEASES, "kube-node-lease", LOST)
    assert off - 10 <= parse_time(lease["spec"]["renewTime"]) <= off


@pytest.mark.parametrize("seed", [1, 7])
def test_the_same_seed_gives_the_same_log(seed: int) -> None:
    digests = set()
    for _ in range(2):
        simulation = start(seed)
        simulation.client.do_create(power_off(LOST))
        simulation.advance(400)
        digests.add(simulation.digest())
    assert len(digests) == 1


def test_other_seeds_give_other_names() -> None:
    assert start(1).digest() != start(2).digest()


def test_400_seconds_cost_a_fraction_of_one() -> None:
    """Cost follows changes: an idle day on the same cluster costs next to nothing more."""
    simulation = start()
    simulation.client.do_create(power_off(LOST))
    began = process_time()
    simulation.advance(400)
    loss = process_time() - began
    began = process_time()
    simulation.advance(86_400)
    assert process_time() - began < loss * 5
