"""curl, wget and nslookup in a pod: names, services, ready endpoints, what containers answer."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.http.logs import LogRequest
from cluster.client import kinds
from cluster.machinery.meta import Object
from tests.kubelet.streaming import Cluster


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    found.start()
    return found


def serve(cluster: Cluster, name: str = "web", image: str = "nginx", **spec: Any) -> None:
    cluster.start(
        name, container={"image": image, **spec.pop("container", {})},
        metadata={"labels": {"app": name}}, **spec,
    )  # fmt: skip


def expose(cluster: Cluster, name: str = "web", port: int = 80, **spec: Any) -> Object:
    service = {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": port}], **spec},
    }  # fmt: skip
    made = cluster.simulation.client.do_create(service)
    cluster.simulation.advance(5)
    return made


async def sh(cluster: Cluster, script: str) -> str:
    cluster.server.cacher.refresh()
    ran = await cluster.exec("sh", "-c", script)
    return ran.out + ran.err


async def test_a_service_is_reached_by_its_name(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    for name in ("web", "web.default", "web.default.svc.cluster.local"):
        assert "Welcome to nginx!" in await sh(cluster, f"wget -qO- http://{name}")


async def test_a_name_is_looked_up(cluster: Cluster) -> None:
    serve(cluster)
    service = expose(cluster)
    out = await sh(cluster, "nslookup web")
    assert "Name:\tweb.default.svc.cluster.local" in out
    assert f"Address: {service['spec']['clusterIP']}\n" in out
    assert "server can't find nosuch: NXDOMAIN" in await sh(cluster, "nslookup nosuch")


async def test_a_headless_service_has_its_pods_addresses(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster, clusterIP="None")
    pod = cluster.find("default", "web")
    assert pod is not None
    assert f"Address: {pod['status']['podIP']}\n" in await sh(cluster, "nslookup web")


async def test_a_service_without_endpoints_refuses(cluster: Cluster) -> None:
    expose(cluster)
    out = await sh(cluster, "wget -qO- web; echo $?")
    assert "Connection refused" in out and out.startswith("1\n")


async def test_a_pod_that_is_not_ready_gets_no_requests(cluster: Cluster) -> None:
    serve(cluster, container={"readinessProbe": {"httpGet": {"port": 81}}})
    expose(cluster)
    assert "Connection refused" in await sh(cluster, "wget -qO- web")


async def test_a_port_nobody_offers_times_out_in_cluster_time(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    before = cluster.simulation.clock.now()
    assert "download timed out" in await sh(cluster, "wget -T 5 -qO- web:81")
    assert 5 <= cluster.simulation.clock.now() - before < 10


async def test_an_unknown_name_is_a_bad_address(cluster: Cluster) -> None:
    assert await sh(cluster, "wget -qO- nosuch") == "wget: bad address 'nosuch'\n"


async def test_requests_take_turns(cluster: Cluster) -> None:
    image = "registry.k8s.io/e2e-test-images/agnhost:2.57"
    for name in ("a", "b"):
        cluster.start(name, container={"image": image, "args": ["serve-hostname"]},
                      metadata={"labels": {"app": "web"}})  # fmt: skip
    expose(cluster, ports=[{"port": 80, "targetPort": 9376}])
    out = await sh(cluster, "for i in 1 2 3 4; do wget -qO- web; echo; done")
    assert sorted(out.split()) == ["a", "a", "b", "b"]


async def test_curl_tells_headers_codes_and_failures(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    cluster.server.cacher.refresh()
    query = "curl -s -o /dev/null -w '%{http_code}' web/nosuch"
    assert (await cluster.exec("sh", "-c", query, pod="web")).out == "404"
    head = (await cluster.exec("curl", "-sI", "http://web", pod="web")).out
    assert head.startswith("HTTP/1.1 200 OK\r\nServer: nginx/1.29.4\r\n")
    ran = await cluster.exec("curl", "http://nosuch", pod="web")
    assert (ran.err, ran.code) == ("curl: (6) Could not resolve host: nosuch\n", 6)


async def test_a_server_shows_the_files_that_were_put_there(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    await cluster.exec("sh", "-c", "echo mine > /usr/share/nginx/html/index.html", pod="web")
    assert await sh(cluster, "wget -qO- web") == "mine\n"


async def test_a_server_shows_the_config_map_that_is_mounted(cluster: Cluster) -> None:
    meta = {"name": "page", "namespace": "default"}
    cluster.simulation.client.do_create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
         "data": {"index.html": "from a map\n"}}
    )  # fmt: skip
    mount = [{"name": "page", "mountPath": "/usr/share/nginx/html"}]
    serve(cluster, container={"volumeMounts": mount},
          volumes=[{"name": "page", "configMap": {"name": "page"}}])  # fmt: skip
    expose(cluster)
    assert await sh(cluster, "wget -qO- web") == "from a map\n"


async def test_requests_are_in_the_servers_log(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    await sh(cluster, "wget -qO- web/x")
    pod = cluster.find("default", "web")
    assert pod is not None and cluster.server.logs is not None
    last = cluster.server.logs.read(pod, LogRequest("c", tail=1))[0].decode()
    assert '"GET /x HTTP/1.1" 404' in last


def test_a_job_that_waits_for_a_service_ends_when_it_is_there(cluster: Cluster) -> None:
    script = "until wget -qO- web >/dev/null 2>&1; do echo waiting; sleep 2; done; echo up"
    cluster.start("job", container={"command": ["sh", "-c", script]}, restartPolicy="Never")
    serve(cluster)
    expose(cluster)
    cluster.simulation.advance(20)
    pod = cluster.find("default", "job")
    assert pod is not None and cluster.server.logs is not None
    assert pod["status"]["phase"] == "Succeeded"
    log = b"".join(cluster.server.logs.read(pod, LogRequest("c"))).decode().split()
    assert log[0] == "waiting" and log[-1] == "up" and log.count("up") == 1


async def test_a_server_started_by_a_command_listens(cluster: Cluster) -> None:
    script = "mkdir /www; echo own > /www/index.html; httpd -f -p 8080 -h /www"
    serve(cluster, image="busybox", container={"command": ["sh", "-c", script]})
    expose(cluster, ports=[{"port": 80, "targetPort": 8080}])
    assert await sh(cluster, "wget -qO- web") == "own\n"
    out = await sh(cluster, "nc -zv web 80 && wget -qO- localhost:81")
    assert "open" in out and "Connection refused" in out


async def test_the_api_answers_who_has_a_token_and_no_one_else(cluster: Cluster) -> None:
    url = "https://kubernetes.default.svc/api/v1/namespaces/default/pods"
    serve(cluster)
    cluster.server.cacher.refresh()
    ran = await cluster.exec("curl", "-sk", "-H", "Authorization: Bearer admin", url, pod="web")
    assert '"kind":"PodList"' in ran.out
    ran = await cluster.exec("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", url, pod="web")
    assert ran.out in ("401", "403")


def policy(cluster: Cluster, name: str, **spec: Any) -> None:
    meta = {"name": name, "namespace": "default"}
    cluster.simulation.client.do_create(
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta,
         "spec": {"podSelector": {}, "policyTypes": ["Ingress"], **spec}}
    )  # fmt: skip


ASK = "wget -q --spider --timeout=1 web && echo through"


async def test_a_policy_admits_who_has_the_label(cluster: Cluster) -> None:
    """The documentation's example: access=true."""
    serve(cluster)
    expose(cluster)
    assert "through" in await sh(cluster, ASK)
    rule = {"from": [{"podSelector": {"matchLabels": {"access": "true"}}}]}
    policy(cluster, "p", podSelector={"matchLabels": {"app": "web"}}, ingress=[rule])
    assert "download timed out" in await sh(cluster, ASK)
    cluster.simulation.client.do_patch(
        kinds.PODS, "default", "p",
        lambda old: {**old, "metadata": {**old["metadata"], "labels": {"access": "true"}}},
    )  # fmt: skip
    assert "through" in await sh(cluster, ASK)


async def test_nothing_leaves_a_pod_whose_egress_is_denied(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    policy(cluster, "deny", policyTypes=["Egress"])
    assert "download timed out" in await sh(cluster, ASK)


async def test_ports_and_blocks_of_addresses_are_told_apart(cluster: Cluster) -> None:
    serve(cluster)
    expose(cluster)
    block = {"ipBlock": {"cidr": "10.128.0.0/9"}}
    policy(cluster, "a", ingress=[{"from": [block], "ports": [{"port": 81}]}])
    assert "download timed out" in await sh(cluster, ASK)
    policy(cluster, "b", ingress=[{"from": [block], "ports": [{"port": 80}]}])
    assert "through" in await sh(cluster, ASK)
