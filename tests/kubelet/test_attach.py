"""kubectl attach, run -it, debug and the proxy subresource."""

from __future__ import annotations

import pytest

from cluster.apiserver.http.logs import LogRequest
from cluster.client import kinds
from cluster.machinery.meta import Object
from tests.apiserver.conftest import Caller
from tests.kubelet.streaming import Cluster

PATH = "/api/v1/namespaces/default/pods/p/attach"
TTY = {"stdin": True, "tty": True}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def pod(cluster: Cluster) -> Object:
    return cluster.simulation.client.get(kinds.PODS, "default", "p")


async def test_who_attaches_types_into_the_main_process(cluster: Cluster) -> None:
    cluster.start(container={"command": ["sh"], **TTY}, restartPolicy="Never")
    query = {"stdin": "true", "stdout": "true", "tty": "true"}
    socket = await cluster.open(PATH, ["v5.channel.k8s.io"], **query)
    await socket.send(b"\x00hostname\r")
    await socket.send(b"\x00exit 5\r")
    ran = await socket.outcome()
    assert "\r\np\r\n" in ran.out
    cluster.simulation.advance(3)
    state = pod(cluster)["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["exitCode"] == 5


async def test_piped_input_ends_the_program_that_reads_it(cluster: Cluster) -> None:
    container = {"command": ["cat"], "stdin": True, "stdinOnce": True}
    cluster.start(container=container, restartPolicy="Never")
    query = {"stdin": "true", "stdout": "true", "stderr": "true"}
    socket = await cluster.open(PATH, ["v5.channel.k8s.io"], **query)
    await socket.send(b"\x00piped\n")
    await socket.send(b"\xff\x00")
    assert (await socket.outcome()).out == "piped\n"
    cluster.simulation.advance(3)
    assert pod(cluster)["status"]["phase"] == "Succeeded"
    assert cluster.server.logs is not None
    assert cluster.server.logs.read(pod(cluster), LogRequest("c")) == [b"piped\n"]


async def test_who_attaches_sees_what_is_printed(cluster: Cluster) -> None:
    script = "while true; do date; sleep 5; done"
    cluster.start(container={"command": ["sh", "-c", script]})
    socket = await cluster.open(PATH, ["v4.channel.k8s.io"], stdout="true", stderr="true")
    message = await socket.receive()
    assert message is not None and message.endswith(b"UTC 2026\n")
    await socket.leave()


async def test_an_ephemeral_container_runs_in_the_pod(cluster: Cluster) -> None:
    cluster.start()
    extra = {"name": "debugger", "image": "busybox", "command": ["sh", "-c", "hostname; sleep 60"]}
    cluster.simulation.client.do_patch(
        kinds.PODS, "default", "p",
        lambda old: {**old, "spec": {**old["spec"], "ephemeralContainers": [extra]}},
        subresource="ephemeralcontainers",
    )  # fmt: skip
    cluster.simulation.advance(3)
    status = pod(cluster)["status"]["ephemeralContainerStatuses"][0]
    assert "running" in status["state"]
    assert (await cluster.exec("hostname", container="debugger")).out == "p\n"
    cluster.simulation.advance(70)
    state = pod(cluster)["status"]["ephemeralContainerStatuses"][0]["state"]
    assert state["terminated"]["exitCode"] == 0
    assert pod(cluster)["status"]["containerStatuses"][0]["state"].get("running")


async def test_the_proxy_subresource_reaches_pods_and_services(cluster: Cluster) -> None:
    cluster.start("web", container={"image": "nginx"}, metadata={"labels": {"app": "web"}})
    meta = {"name": "web", "namespace": "default"}
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    cluster.simulation.client.do_create(service)
    cluster.simulation.advance(5)
    caller = Caller(cluster.server)
    base = "/api/v1/namespaces/default"
    for path in ("pods/web/proxy", "pods/web:80/proxy/", "services/web/proxy/",
                 "services/http:web:80/proxy/", "services/web:http/proxy/"):  # fmt: skip
        answer = await caller.ask("GET", f"{base}/{path}")
        assert answer.status == 200 and b"Welcome to nginx!" in answer.body, path
    assert (await caller.ask("GET", f"{base}/services/web/proxy/nosuch")).status == 404
    assert (await caller.ask("GET", f"{base}/services/web:81/proxy/")).status == 503
    assert (await caller.ask("GET", f"{base}/services/nosuch/proxy/")).status == 404
    refused = await caller.ask("GET", f"{base}/pods/web:81/proxy/")
    assert refused.status == 503 and "connection refused" in refused.json["message"]
