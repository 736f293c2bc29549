"""Everyday life of workloads, through all components together."""

from __future__ import annotations

from cluster.client import kinds
from cluster.machinery.meta import condition, name_of
from cluster.simulation import Shape, Simulation
from tests.simulation.builders import deployment, events, pods, ready


def started(nodes: int = 3) -> Simulation:
    simulation = Simulation(Shape(nodes=nodes))
    simulation.advance(60)
    return simulation


def test_a_deployment_comes_up_scales_and_goes() -> None:
    simulation = started()
    simulation.client.do_create(deployment("web", 3))
    assert simulation.run_until(lambda: len(ready(simulation, "web")) == 3, within=30)

    def scale(obj: dict) -> dict:
        return {**obj, "spec": {**obj["spec"], "replicas": 7}}

    simulation.client.do_patch(kinds.DEPLOYMENTS, "default", "web", scale)
    assert simulation.run_until(lambda: len(ready(simulation, "web")) == 7, within=30)
    simulation.client.do_delete(kinds.DEPLOYMENTS, "default", "web")
    assert simulation.run_until(lambda: not pods(simulation), within=60)
    assert simulation.client.list(kinds.REPLICA_SETS, "default") == []


def test_a_rolling_update_never_goes_below_its_minimum() -> None:
    simulation = started()
    simulation.client.do_create(deployment("web", 8, image="nginx:1.27"))
    assert simulation.run_until(lambda: len(ready(simulation, "web")) == 8, within=60)

    def image(obj: dict) -> dict:
        template = deployment("web", 8, image="nginx:1.28")["spec"]["template"]
        return {**obj, "spec": {**obj["spec"], "template": template}}

    simulation.client.do_patch(kinds.DEPLOYMENTS, "default", "web", image)
    least = 8

    def rolled() -> bool:
        nonlocal least
        least = min(least, len(ready(simulation, "web")))
        found = simulation.client.get(kinds.DEPLOYMENTS, "default", "web")["status"]
        return found.get("updatedReplicas") == 8 == found.get("replicas")

    assert simulation.run_until(rolled, within=300)
    assert least >= 6
    images = {p["spec"]["containers"][0]["image"] for p in ready(simulation, "web")}
    assert images == {"nginx:1.28"}


def test_a_pod_that_fits_nowhere_says_why_and_is_placed_when_room_comes() -> None:
    simulation = started(nodes=1)
    big = deployment("big", 1)
    big["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "20"}}
    simulation.client.do_create(big)
    simulation.advance(5)
    (pod,) = pods(simulation, "big")
    scheduled = condition(pod["status"]["conditions"], "PodScheduled")
    assert scheduled is not None
    assert scheduled["reason"] == "Unschedulable"
    assert scheduled["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert events(simulation, "FailedScheduling")
    machine = {
        "apiVersion": "orrery.sim/v1",
        "kind": "Machine",
        "metadata": {"name": "big-one"},
        "spec": {"role": "worker", "cpu": "32", "memory": "64Gi", "pods": 110},
    }
    simulation.client.do_create(machine)
    assert simulation.run_until(lambda: len(ready(simulation, "big")) == 1, within=360)


def test_a_job_runs_to_completion() -> None:
    simulation = started()
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "sum", "namespace": "default"},
        "spec": {
            "completions": 3,
            "parallelism": 2,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [
                        {"name": "c", "image": "busybox:1.37", "command": ["sh", "-c", "sleep 5"]}
                    ],
                }
            },
        },
    }
    simulation.client.do_create(job)

    def complete() -> bool:
        status = simulation.client.get(kinds.JOBS, "default", "sum").get("status", {})
        found = condition(status.get("conditions"), "Complete")
        return found is not None and found["status"] == "True"

    assert simulation.run_until(complete, within=120)
    status = simulation.client.get(kinds.JOBS, "default", "sum")["status"]
    assert status["succeeded"] == 3
    assert {p["status"]["phase"] for p in pods(simulation)} == {"Succeeded"}


def test_deleting_a_namespace_takes_everything_in_it_along() -> None:
    simulation = started()
    simulation.client.do_create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    )
    simulation.advance(1)
    web = deployment("web", 2)
    web["metadata"]["namespace"] = "team"
    simulation.client.do_create(web)
    simulation.advance(20)
    simulation.client.do_delete(kinds.NAMESPACES, "", "team")
    gone = simulation.run_until(
        lambda: "team" not in {name_of(n) for n in simulation.client.list(kinds.NAMESPACES)},
        within=90,
    )
    assert gone
    assert simulation.client.list(kinds.PODS, "team") == []
