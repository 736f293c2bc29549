"""Commands of pod specs run in the shell: jobs that compute, fail and print; probes by command."""

from __future__ import annotations

from typing import Any

import pytest

from cluster import kubelet
from cluster.apiserver.http.logs import LogRequest
from cluster.client import Client, Env, Informers, kinds
from cluster.machinery.meta import Object
from cluster.simulation.network import surroundings
from tests.kubelet.streaming import Cluster
from tests.simulation.builders import events, is_ready


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def status(cluster: Cluster, name: str = "p") -> Object:
    found: Object = cluster.simulation.client.get(kinds.PODS, "default", name)["status"]
    return found


def state(cluster: Cluster) -> Object:
    found: Object = status(cluster)["containerStatuses"][0]["state"]
    return found


def log(cluster: Cluster, **options: Any) -> str:
    pod = cluster.find("default", "p")
    assert pod is not None and cluster.server.logs is not None
    return b"".join(cluster.server.logs.read(pod, LogRequest("c", **options))).decode()


def run(cluster: Cluster, *command: str, restart: str = "Never", **more: Any) -> None:
    container = {"command": list(command), **more.pop("container", {})}
    cluster.start(container=container, restartPolicy=restart, **more)


def test_a_script_computes_prints_and_ends(cluster: Cluster) -> None:
    run(
        cluster, "sh", "-c", "s=0; for i in $(seq 10); do s=$((s+i)); done; echo $s; date; hostname"
    )
    assert status(cluster)["phase"] == "Succeeded"
    lines = log(cluster).splitlines()
    assert (lines[0], lines[2]) == ("55", "p")
    assert lines[1].endswith("UTC 2026")


def test_an_exit_code_is_the_containers(cluster: Cluster) -> None:
    run(cluster, "sh", "-c", "hostname; exit 42")
    assert state(cluster)["terminated"]["exitCode"] == 42
    assert status(cluster)["phase"] == "Failed"


def test_a_loop_goes_on_as_cluster_time_does(cluster: Cluster) -> None:
    script = "i=0; while true; do i=$((i+1)); echo $i; sleep 10; done"
    run(cluster, "sh", "-c", script, restart="Always")
    cluster.simulation.advance(100)
    assert len(log(cluster).splitlines()) in (10, 11, 12)
    assert log(cluster, tail=1) == f"{len(log(cluster).splitlines())}\n"


def test_a_variable_of_a_config_map_is_printed(cluster: Cluster) -> None:
    meta = {"name": "cm", "namespace": "default"}
    cluster.simulation.client.do_create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": "v1"}}
    )
    env = [
        {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}},
        {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    mount = [{"name": "cm", "mountPath": "/etc/cm"}]
    run(
        cluster, "sh", "-c", "echo $K $N; cat /etc/cm/k; ls /etc/cm",
        container={"env": env, "volumeMounts": mount},
        volumes=[{"name": "cm", "configMap": {"name": "cm"}}],
    )  # fmt: skip
    assert log(cluster) == "v1 p\nv1k\n"


def test_a_config_map_that_is_missing_is_waited_for(cluster: Cluster) -> None:
    env = [{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "later", "key": "k"}}}]
    run(cluster, "sh", "-c", "echo $K", container={"env": env})
    waiting = state(cluster)["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"] == 'configmap "later" not found'
    meta = {"name": "later", "namespace": "default"}
    cluster.simulation.client.do_create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": "there"}}
    )
    cluster.simulation.advance(15)
    assert log(cluster) == "there\n"


def test_a_volume_that_cannot_be_set_up_keeps_the_pod_waiting(cluster: Cluster) -> None:
    run(
        cluster, "ls", "/etc/s", container={"volumeMounts": [{"name": "s", "mountPath": "/etc/s"}]},
        volumes=[{"name": "s", "secret": {"secretName": "nosuch"}}],
    )  # fmt: skip
    assert state(cluster)["waiting"]["reason"] == "ContainerCreating"
    text = 'MountVolume.SetUp failed for volume "s" : secret "nosuch" not found'
    assert events(cluster.simulation, "FailedMount")[0]["message"] == text


def test_a_program_that_is_not_there_cannot_run(cluster: Cluster) -> None:
    run(cluster, "nosuch")
    ended = state(cluster)["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (127, "ContainerCannotRun")
    assert 'exec: "nosuch": executable file not found in $PATH' in ended["message"]


def test_containers_share_an_empty_dir(cluster: Cluster) -> None:
    mount = [{"name": "d", "mountPath": "/d"}]
    reads = "while [ ! -f /d/f ]; do sleep 1; done; cat /d/f; exit 5"
    containers = [
        {"name": "a", "image": "busybox", "volumeMounts": mount,
         "command": ["sh", "-c", "sleep 10; echo hello > /d/f"]},
        {"name": "c", "image": "busybox", "volumeMounts": mount, "command": ["sh", "-c", reads]},
    ]  # fmt: skip
    volumes = [{"name": "d", "emptyDir": {}}]
    cluster.start(containers=containers, volumes=volumes, restartPolicy="Never")
    cluster.simulation.advance(30)
    found = {c["name"]: c["state"]["terminated"] for c in status(cluster)["containerStatuses"]}
    assert (found["a"]["exitCode"], found["c"]["exitCode"]) == (0, 5)


def test_the_termination_message_is_what_was_written(cluster: Cluster) -> None:
    run(cluster, "sh", "-c", "echo expired > /dev/termination-log; exit 1")
    assert state(cluster)["terminated"]["message"] == "expired\n"


def test_a_liveness_command_fails_when_its_file_is_gone(cluster: Cluster) -> None:
    """The documentation's example: healthy for thirty seconds."""
    script = "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5,
             "periodSeconds": 5}  # fmt: skip
    run(cluster, "sh", "-c", script, restart="Always", container={"livenessProbe": probe})
    cluster.simulation.advance(25)
    assert status(cluster)["containerStatuses"][0]["restartCount"] == 0
    cluster.simulation.advance(30)
    assert events(cluster.simulation, "Killing")  # the shell does not care about SIGTERM
    assert status(cluster)["containerStatuses"][0]["restartCount"] == 0
    cluster.simulation.advance(30)
    assert status(cluster)["containerStatuses"][0]["restartCount"] == 1
    message = events(cluster.simulation, "Unhealthy")[0]["message"]
    assert message.startswith("Liveness probe failed: cat: can't open '/tmp/healthy'")


def test_a_readiness_command_makes_the_pod_ready(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["test", "-f", "/tmp/ready"]}, "periodSeconds": 5}
    script = "sleep 20; touch /tmp/ready; sleep 600"
    run(cluster, "sh", "-c", script, restart="Always", container={"readinessProbe": probe})
    cluster.simulation.advance(10)
    assert not is_ready(cluster.simulation.client.get(kinds.PODS, "default", "p"))
    cluster.simulation.advance(20)
    assert is_ready(cluster.simulation.client.get(kinds.PODS, "default", "p"))


def test_a_trap_ends_the_container_within_its_grace_period(cluster: Cluster) -> None:
    script = "trap 'sleep 3; exit 0' TERM; while true; do sleep 1; done"
    run(cluster, "sh", "-c", script, restart="Always")
    cluster.simulation.client.do_delete(kinds.PODS, "default", "p")
    cluster.simulation.advance(6)
    assert cluster.find("default", "p") is None


def test_a_post_start_hook_leaves_its_file(cluster: Cluster) -> None:
    hook = {"exec": {"command": ["sh", "-c", "echo hi > /usr/share/message"]}}
    run(cluster, "sleep", "900", container={"lifecycle": {"postStart": hook}}, restart="Always")
    assert status(cluster)["phase"] == "Running"


def test_the_log_of_the_previous_run(cluster: Cluster) -> None:
    run(cluster, "sh", "-c", "hostname; sleep 5; exit 1", restart="Always")
    cluster.simulation.advance(8)
    assert log(cluster, previous=True) == "p\n"


def test_same_seed_same_story() -> None:
    def story() -> str:
        cluster = Cluster()
        run(cluster, "sh", "-c", "while true; do date; echo $RANDOM; sleep 7; done")
        cluster.simulation.advance(60)
        return log(cluster) + cluster.simulation.digest()

    assert story() == story()


def test_the_documentations_job_computes_pi(cluster: Cluster) -> None:
    command = ["perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"]
    cluster.start(container={"image": "perl:5.34.0", "command": command}, restartPolicy="Never")
    assert log(cluster).startswith("3.14159265358979323846") and len(log(cluster)) == 2002


def test_a_readiness_probe_of_a_live_server_waits_until_it_listens(cluster: Cluster) -> None:
    probe = {"httpGet": {"port": 8080}, "periodSeconds": 5}
    script = "sleep 20; httpd -f -p 8080"
    run(cluster, "sh", "-c", script, restart="Always", container={"readinessProbe": probe})
    cluster.simulation.advance(10)
    assert not is_ready(cluster.simulation.client.get(kinds.PODS, "default", "p"))
    assert "connection refused" in events(cluster.simulation, "Unhealthy")[0]["message"]
    cluster.simulation.advance(20)
    assert is_ready(cluster.simulation.client.get(kinds.PODS, "default", "p"))


def test_a_page_that_a_web_server_does_not_have_fails_its_probe(cluster: Cluster) -> None:
    probe = {"httpGet": {"port": 80, "path": "/healthz"}}
    cluster.start(container={"image": "nginx", "readinessProbe": probe})
    cluster.simulation.advance(20)
    message = events(cluster.simulation, "Unhealthy")[0]["message"]
    assert message == "Readiness probe failed: HTTP probe failed with statuscode: 404"


def replace_kubelet(cluster: Cluster) -> None:
    """As after a SIGKILL: nothing is known but what is in the store."""
    simulation = cluster.simulation
    client = Client(simulation.registry, "system:nodes")
    informers = Informers(simulation.registry)
    env = Env(client, informers, simulation.clock, simulation.entropy)
    around = surroundings(client, simulation.clock, simulation.store)
    simulation.components[2] = kubelet.build(env, around=around)
    simulation._seen["kubelet"] = -1


def test_a_new_kubelet_process_takes_running_programs_over(cluster: Cluster) -> None:
    script = "date > /tmp/began; for i in 1 2 3 4 5; do echo $i; sleep 10; done; exit 3"
    run(cluster, "sh", "-c", script)
    cluster.simulation.advance(20)
    replace_kubelet(cluster)
    cluster.simulation.advance(20)
    assert status(cluster)["phase"] == "Running"
    cluster.simulation.advance(20)
    assert state(cluster)["terminated"]["exitCode"] == 3
    assert log(cluster).split() == ["1", "2", "3", "4", "5"]
