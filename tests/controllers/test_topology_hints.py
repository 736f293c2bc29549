"""Hints in EndpointSlices: near endpoints first, or all of them shared out fairly."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.controllers import topologyhints
from cluster.machinery.meta import Object
from tests.controllers.harness import Harness, node, pod, service


def zoned(name: str, zone: str, cpu: str = "4") -> Object:
    body = node(name)
    body["metadata"]["labels"]["topology.kubernetes.io/zone"] = zone
    body["status"]["allocatable"] = {"cpu": cpu}
    return body


def behind(
    count: int, nodes: list[Object], annotations: Object | None = None, **spec: Any
) -> Harness:
    """Ready pods 10.0.0.1... on the nodes in turn."""
    cluster = Harness("endpointslice-controller")
    body = service("web", **spec)
    body["metadata"]["annotations"] = annotations or {}
    cluster.add(*nodes, body)
    names = [n["metadata"]["name"] for n in nodes]
    for i in range(count):
        builder = pod(f"web-{i}").labelled(app="web").on(names[i % len(names)])
        cluster.add(builder.at(f"10.0.0.{i + 1}").ready())
    return cluster


def hints(cluster: Harness) -> dict[str, Object]:
    (found,) = cluster.user.list(kinds.ENDPOINT_SLICES)
    return {e["addresses"][0]: e.get("hints") or {} for e in found["endpoints"]}


@pytest.mark.parametrize("how", ["PreferClose", "PreferSameZone"])
def test_near_traffic_stays_in_its_zone(how: str) -> None:
    cluster = behind(2, [zoned("n1", "a"), zoned("n2", "b")], trafficDistribution=how)
    assert hints(cluster) == {
        "10.0.0.1": {"forZones": [{"name": "a"}]}, "10.0.0.2": {"forZones": [{"name": "b"}]},
    }  # fmt: skip


def test_or_on_its_node() -> None:
    cluster = behind(1, [zoned("n1", "a")], trafficDistribution="PreferSameNode")
    assert hints(cluster)["10.0.0.1"] == {
        "forZones": [{"name": "a"}], "forNodes": [{"name": "n1"}],
    }  # fmt: skip


def test_what_is_not_ready_has_no_hint() -> None:
    cluster = behind(1, [zoned("n1", "a")], trafficDistribution="PreferClose")
    cluster.make_ready(cluster.pods()[0], "False")
    cluster.settle()
    assert hints(cluster) == {"10.0.0.1": {}}


AUTO = {"service.kubernetes.io/topology-mode": "Auto"}


def test_in_auto_mode_zones_get_endpoints_in_proportion_to_their_cpus() -> None:
    cluster = behind(6, [zoned("n1", "a"), zoned("n2", "b"), zoned("n3", "a")], AUTO)
    zones = [h["forZones"][0]["name"] for h in hints(cluster).values()]
    assert (zones.count("a"), zones.count("b")) == (4, 2)
    assert cluster.events("TopologyAwareHintsEnabled") == [
        "TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4"
    ]


def test_too_few_endpoints_are_not_shared_out() -> None:
    cluster = behind(1, [zoned("n1", "a"), zoned("n2", "b")], AUTO)
    assert hints(cluster) == {"10.0.0.1": {}}
    assert cluster.events("TopologyAwareHintsDisabled")[-1] == (
        "TopologyAwareHintsDisabled: Insufficient number of endpoints (1), impossible to safely "
        "allocate proportionally, addressType: IPv4"
    )


def test_a_zone_without_endpoints_borrows_some() -> None:
    endpoints = [
        {"addresses": [f"10.0.0.{i}"], "zone": "a", "conditions": {"ready": True}} for i in range(6)
    ]
    found = topologyhints.share_out(endpoints, {"a": 0.5, "b": 0.5})
    assert sorted(found.values()) == ["a", "a", "a", "b", "b", "b"]  # type: ignore[union-attr]
