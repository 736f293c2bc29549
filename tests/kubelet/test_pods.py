"""What a kubelet makes of a pod, with upstream's reasons and timings."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.http.logs import LogRequest
from cluster.client import kinds
from cluster.kubelet.logsource import RuntimeLogs
from cluster.machinery.clock import Anchor
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from cluster.simulation import Shape, Simulation
from tests.simulation.builders import events, is_ready


@pytest.fixture
def simulation() -> Simulation:
    found = Simulation(Shape(nodes=1))
    found.advance(60)
    return found


def run(simulation: Simulation, restart: str = "Always", **container: Any) -> None:
    spec = {
        "restartPolicy": restart,
        "containers": [{"name": "c", "image": "busybox", **container}],
    }
    meta = {"name": "p", "namespace": "default"}
    simulation.client.do_create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


def pod(simulation: Simulation) -> Object:
    return simulation.client.get(kinds.PODS, "default", "p")


def container(simulation: Simulation) -> Object:
    found: Object = pod(simulation)["status"]["containerStatuses"][0]
    return found


def test_a_container_that_keeps_failing_backs_off_10_20_40_seconds(simulation: Simulation) -> None:
    run(simulation, command=["sh", "-c", "echo bye; exit 3"])
    simulation.advance(5)
    state = container(simulation)
    assert state["restartCount"] == 1  # the first restart comes at once
    assert state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert "back-off 10s restarting failed container=c" in state["state"]["waiting"]["message"]
    assert state["lastState"]["terminated"]["exitCode"] == 3
    simulation.advance(10)
    assert container(simulation)["restartCount"] == 2
    simulation.advance(14)
    assert container(simulation)["restartCount"] == 2
    simulation.advance(4)
    assert container(simulation)["restartCount"] == 3
    assert events(simulation, "BackOff")


def test_an_image_that_does_not_exist_is_tried_again_later(simulation: Simulation) -> None:
    run(simulation, image="nginx:does-not-exist")
    simulation.advance(1)
    assert container(simulation)["state"]["waiting"]["reason"] == "ErrImagePull"
    simulation.advance(15)
    assert container(simulation)["state"]["waiting"]["reason"] == "ImagePullBackOff"
    assert pod(simulation)["status"]["phase"] == "Pending"


def test_a_pod_that_is_never_restarted_ends(simulation: Simulation) -> None:
    run(simulation, "Never", command=["sh", "-c", "sleep 5; exit 2"])
    simulation.advance(3)
    assert pod(simulation)["status"]["phase"] == "Running"
    simulation.advance(5)
    assert pod(simulation)["status"]["phase"] == "Failed"
    assert container(simulation)["state"]["terminated"]["exitCode"] == 2


def test_a_probe_of_a_port_nobody_serves_keeps_the_pod_unready(simulation: Simulation) -> None:
    run(simulation, image="nginx", readinessProbe={"httpGet": {"port": 81}})
    simulation.advance(30)
    assert pod(simulation)["status"]["phase"] == "Running"
    assert not is_ready(pod(simulation))
    assert "connection refused" in events(simulation, "Unhealthy")[0]["message"]


def test_a_failing_liveness_probe_restarts_the_container(simulation: Simulation) -> None:
    probe = {"httpGet": {"port": 81}, "periodSeconds": 5, "failureThreshold": 2}
    run(simulation, image="nginx", livenessProbe=probe)
    simulation.advance(12)
    assert container(simulation)["restartCount"] >= 1
    assert "failed liveness probe" in events(simulation, "Killing")[0]["message"]


def test_who_ignores_sigterm_gets_its_grace_period(simulation: Simulation) -> None:
    run(simulation, command=["sleep", "3600"])
    simulation.advance(5)
    simulation.client.do_delete(kinds.PODS, "default", "p")
    simulation.advance(29)
    assert "deletionTimestamp" in pod(simulation)["metadata"]
    simulation.advance(2)
    with pytest.raises(StatusError):
        pod(simulation)


def test_a_deleted_mirror_pod_comes_back_with_the_same_container(simulation: Simulation) -> None:
    def etcd() -> Object:
        return simulation.client.get(kinds.PODS, "kube-system", "etcd-minikube")

    before = etcd()
    simulation.client.do_delete(kinds.PODS, "kube-system", "etcd-minikube")
    simulation.advance(5)
    after = etcd()
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    ids = [p["status"]["containerStatuses"][0]["containerID"] for p in (before, after)]
    assert ids[0] == ids[1]


def test_a_pod_beyond_the_nodes_limit_is_rejected(simulation: Simulation) -> None:
    meta = {"name": "p", "namespace": "default"}
    resources = {"requests": {"cpu": "100"}}
    spec = {
        "nodeName": "minikube",
        "containers": [{"name": "c", "image": "nginx", "resources": resources}],
    }
    simulation.client.do_create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    simulation.advance(1)
    status = pod(simulation)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")


def test_logs_follow_from_program_and_time(simulation: Simulation) -> None:
    run(simulation, "Never", command=["sh", "-c", "echo one; sleep 10; echo two"])
    simulation.advance(5)
    clock = simulation.clock
    logs = RuntimeLogs(clock, lambda ns, name: pod(simulation), lambda: Anchor(0, 0, 1))
    assert logs.read(pod(simulation), LogRequest("c")) == [b"one\n"]
    simulation.advance(10)
    assert logs.read(pod(simulation), LogRequest("c")) == [b"one\n", b"two\n"]
    assert logs.read(pod(simulation), LogRequest("c", tail=1)) == [b"two\n"]
    with pytest.raises(StatusError, match="previous terminated container"):
        logs.read(pod(simulation), LogRequest("c", previous=True))
