"""Endpoints written by hand appear as EndpointSlices."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.machinery.meta import Object, labels_of
from tests.controllers.harness import Harness, service


def endpoints(*addresses: str, **meta: Any) -> Object:
    subset = {"addresses": [{"ip": a} for a in addresses], "ports": [{"port": 5432}]}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "db", "namespace": "default", **meta},
        "subsets": [subset],
    }


def by_hand(*addresses: str, **meta: Any) -> Harness:
    cluster = Harness("endpointslice-mirroring-controller", "endpointslice-controller")
    body = service("db")
    del body["spec"]["selector"]
    cluster.add(body, endpoints(*addresses, **meta))
    return cluster


def slices(cluster: Harness) -> list[tuple[str, list[str]]]:
    found = cluster.user.list(kinds.ENDPOINT_SLICES)
    return sorted((s["addressType"], [e["addresses"][0] for e in s["endpoints"]]) for s in found)


def test_each_family_of_addresses_has_a_slice() -> None:
    cluster = by_hand("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert slices(cluster) == [("IPv4", ["192.0.2.1", "192.0.2.2"]), ("IPv6", ["2001:db8::1"])]
    found = cluster.user.list(kinds.ENDPOINT_SLICES)[0]
    assert labels_of(found) == {
        "kubernetes.io/service-name": "db",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"


def test_changes_and_deletion_follow() -> None:
    cluster = by_hand("192.0.2.1")
    (before,) = cluster.user.list(kinds.ENDPOINT_SLICES)
    cluster.change(
        kinds.ENDPOINTS, "db", lambda o: {**o, "subsets": endpoints("192.0.2.9")["subsets"]}
    )
    (after,) = cluster.user.list(kinds.ENDPOINT_SLICES)
    assert slices(cluster) == [("IPv4", ["192.0.2.9"])]
    assert before["metadata"]["name"] == after["metadata"]["name"]
    cluster.delete(kinds.ENDPOINTS, "db")
    assert slices(cluster) == []


def test_some_are_not_mirrored() -> None:
    assert (
        slices(by_hand("192.0.2.1", labels={"endpointslice.kubernetes.io/skip-mirror": "true"}))
        == []
    )
    cluster = Harness("endpointslice-mirroring-controller")
    cluster.add(service("db"), endpoints("192.0.2.1"))
    assert slices(cluster) == []
    cluster.set_spec(kinds.SERVICES, "db", selector=None)
    assert slices(cluster) == [("IPv4", ["192.0.2.1"])]
