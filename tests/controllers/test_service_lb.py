"""Services of type LoadBalancer: an address after a moment, and its return."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from tests.controllers.harness import Harness, service

CLEANUP = "service.kubernetes.io/load-balancer-cleanup"


def started(**spec: Any) -> Harness:
    cluster = Harness("service-lb-controller")
    cluster.add(service("web", type="LoadBalancer", **spec))
    return cluster


def address(cluster: Harness, name: str = "web") -> str:
    balancer = cluster.get(kinds.SERVICES, name).get("status", {}).get("loadBalancer") or {}
    return "".join(i["ip"] for i in balancer.get("ingress") or ())


def test_a_load_balancer_takes_a_moment() -> None:
    cluster = started()
    assert cluster.get(kinds.SERVICES, "web")["metadata"]["finalizers"] == [CLEANUP]
    assert address(cluster) == ""
    cluster.advance(2)
    assert address(cluster) == "203.0.113.10"
    assert cluster.events() == [
        "EnsuringLoadBalancer: Ensuring load balancer",
        "EnsuredLoadBalancer: Ensured load balancer",
    ]
    assert cluster.settle() is None


def test_every_service_has_its_own_address_and_gives_it_back() -> None:
    cluster = started()
    cluster.add(service("api", type="LoadBalancer"))
    cluster.advance(2)
    assert {address(cluster), address(cluster, "api")} == {"203.0.113.10", "203.0.113.11"}
    free = address(cluster)
    cluster.delete(kinds.SERVICES, "web")
    assert not cluster.exists(kinds.SERVICES, "web")
    assert "DeletedLoadBalancer: Deleted load balancer" in cluster.events(about="web")
    cluster.restart()
    cluster.add(service("new", type="LoadBalancer"))
    cluster.advance(2)
    assert address(cluster, "new") == free


def test_a_service_that_becomes_and_ceases_to_be_one() -> None:
    cluster = Harness("service-lb-controller")
    cluster.add(service("web"))
    cluster.set_spec(kinds.SERVICES, "web", type="LoadBalancer")
    cluster.advance(2)
    assert address(cluster) == "203.0.113.10"
    assert cluster.events("Type") == ["Type: ClusterIP -> LoadBalancer"]
    cluster.set_spec(kinds.SERVICES, "web", type="NodePort")
    assert address(cluster) == ""
    assert "finalizers" not in cluster.get(kinds.SERVICES, "web")["metadata"]


def test_a_wish_for_an_address_is_granted_and_a_class_is_somebody_elses() -> None:
    cluster = started(loadBalancerIP="203.0.113.99")
    cluster.add(service("other", type="LoadBalancer", loadBalancerClass="example.com/lb"))
    cluster.advance(10)
    assert address(cluster) == "203.0.113.99"
    assert address(cluster, "other") == ""
