"""What is done in an exec is durable, and known to the kubelet."""

from __future__ import annotations

import pytest

from cluster.client import kinds
from cluster.machinery.meta import Object
from tests.kubelet.streaming import Cluster
from tests.simulation.builders import is_ready


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def pod(cluster: Cluster) -> Object:
    return cluster.simulation.client.get(kinds.PODS, "default", "p")


async def test_another_process_sees_the_files_that_were_written(cluster: Cluster) -> None:
    cluster.start()
    await cluster.exec(
        "sh", "-c", "mkdir /data; echo kept > /data/f; chmod 600 /data/f; ln -s f /data/l"
    )
    cluster.forget()
    ran = await cluster.exec("sh", "-c", "cat /data/l; stat -c %a /data/f")
    assert ran.out == "kept\n600\n"


async def test_a_file_that_is_removed_stays_removed(cluster: Cluster) -> None:
    cluster.start()
    await cluster.exec("sh", "-c", "echo x > /tmp/f")
    await cluster.exec("rm", "/tmp/f")
    cluster.forget()
    assert (await cluster.exec("ls", "/tmp")).out == ""


async def test_a_readiness_probe_sees_what_was_typed(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 5}
    cluster.start(container={"command": ["sleep", "3600"], "readinessProbe": probe})
    cluster.simulation.advance(20)
    assert not is_ready(pod(cluster))
    await cluster.exec("touch", "/tmp/ready")
    cluster.simulation.advance(10)
    assert is_ready(pod(cluster))
    await cluster.exec("rm", "/tmp/ready")
    cluster.simulation.advance(20)
    assert not is_ready(pod(cluster))


async def test_kill_1_restarts_a_server(cluster: Cluster) -> None:
    cluster.start(container={"image": "nginx"})
    await cluster.exec("sh", "-c", "kill 1")
    cluster.simulation.advance(3)
    status = pod(cluster)["status"]["containerStatuses"][0]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["reason"] == "Completed"


async def test_kill_1_does_nothing_to_a_program_without_a_handler(cluster: Cluster) -> None:
    cluster.start()
    assert (await cluster.exec("kill", "1")).code == 0
    cluster.simulation.advance(3)
    assert pod(cluster)["status"]["containerStatuses"][0]["restartCount"] == 0


async def test_a_program_that_waits_for_a_file_goes_on(cluster: Cluster) -> None:
    script = "while [ ! -f /tmp/go ]; do sleep 1; done; exit 4"
    cluster.start(container={"command": ["sh", "-c", script]}, restartPolicy="Never")
    await cluster.exec("touch", "/tmp/go")
    cluster.simulation.advance(3)
    state = pod(cluster)["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["exitCode"] == 4


async def test_the_entries_go_with_their_pod(cluster: Cluster) -> None:
    cluster.start()
    await cluster.exec("touch", "/tmp/f")
    assert cluster.simulation.client.list(kinds.JOURNAL, "default")
    cluster.simulation.client.do_delete(kinds.PODS, "default", "p")
    cluster.simulation.advance(60)
    assert cluster.simulation.client.list(kinds.JOURNAL, "default") == []


async def test_looking_leaves_no_trace(cluster: Cluster) -> None:
    cluster.start()
    await cluster.exec("sh", "-c", "ls /; cat /etc/hosts; ps")
    assert cluster.simulation.client.list(kinds.JOURNAL, "default") == []
