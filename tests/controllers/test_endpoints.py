"""What stands behind a Service: Endpoints and EndpointSlices."""

from __future__ import annotations

from typing import Any

from cluster.client import kinds
from cluster.controllers.endpointslice import Plan
from cluster.machinery.meta import Object, annotations_of, labels_of, name_of, with_metadata
from tests.controllers.harness import Harness, PodBuilder, node, pod, service

TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


def started() -> Harness:
    cluster = Harness("endpoints-controller", "endpointslice-controller")
    zoned = node("n1")
    zoned["metadata"]["labels"]["topology.kubernetes.io/zone"] = "east"
    cluster.add(zoned)
    return cluster


def web(name: str, address: str) -> PodBuilder:
    return pod(name).labelled(app="web").on("n1").at(address)


def slices(cluster: Harness) -> list[Object]:
    return cluster.user.list(kinds.ENDPOINT_SLICES, "default")


def addresses(cluster: Harness, condition: str = "ready") -> set[str]:
    return {
        e["addresses"][0]
        for s in slices(cluster)
        for e in s.get("endpoints") or ()
        if e["conditions"][condition]
    }


def subsets(cluster: Harness) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.get(kinds.ENDPOINTS, "web").get("subsets", [])
    return found


def test_ready_pods_are_addresses_in_order_and_others_wait() -> None:
    cluster = started()
    cluster.add(service("web", 8080), web("b", "10.0.0.2").ready(), web("a", "10.0.0.3").ready())
    cluster.add(web("c", "10.0.0.4").phase("Running"))
    (subset,) = subsets(cluster)
    assert [a["ip"] for a in subset["addresses"]] == ["10.0.0.2", "10.0.0.3"]
    assert [a["ip"] for a in subset["notReadyAddresses"]] == ["10.0.0.4"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    first, uid = subset["addresses"][0], cluster._pod("b")["metadata"]["uid"]
    assert first["nodeName"] == "n1"
    assert first["targetRef"] == {
        "kind": "Pod", "name": "b", "namespace": "default", "uid": uid,
    }  # fmt: skip
    assert TRIGGER in annotations_of(cluster.get(kinds.ENDPOINTS, "web"))


def test_a_slice_belongs_to_its_service_and_describes_every_endpoint() -> None:
    cluster = started()
    owner = cluster.add(service("web", 8080))
    cluster.add(web("a", "10.0.0.2").ready())
    (found,) = slices(cluster)
    assert name_of(found).startswith("web-")
    assert labels_of(found) == {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert found["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]
    assert found["addressType"] == "IPv4"
    assert found["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    (endpoint,) = found["endpoints"]
    assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert (endpoint["nodeName"], endpoint["zone"]) == ("n1", "east")


def test_a_service_without_pods_has_one_empty_slice_that_keeps_its_name() -> None:
    cluster = started()
    cluster.add(service("web"))
    (empty,) = slices(cluster)
    assert (empty["endpoints"], empty["ports"]) == ([], [])
    cluster.add(web("a", "10.0.0.2").ready())
    (filled,) = slices(cluster)
    assert name_of(filled) == name_of(empty)
    cluster.delete(kinds.PODS, "a", grace=0)
    (emptied,) = slices(cluster)
    assert (name_of(emptied), emptied["endpoints"]) == (name_of(empty), [])


def test_a_terminating_pod_serves_on_but_is_not_ready() -> None:
    cluster = started()
    cluster.add(service("web"), web("a", "10.0.0.2").ready())
    cluster.delete(kinds.PODS, "a")
    (endpoint,) = slices(cluster)[0]["endpoints"]
    assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert subsets(cluster) == []
    cluster.finish_deletions()
    assert slices(cluster)[0]["endpoints"] == []


def test_publish_not_ready_addresses_publishes_all() -> None:
    cluster = started()
    cluster.add(service("web", publishNotReadyAddresses=True))
    cluster.add(web("a", "10.0.0.2").phase("Running"))
    assert addresses(cluster) == {"10.0.0.2"}
    assert [a["ip"] for a in subsets(cluster)[0]["addresses"]] == ["10.0.0.2"]


def test_a_named_port_is_looked_up_in_every_pod() -> None:
    cluster = started()
    cluster.add(service("web", "http"))
    cluster.add(web("a", "10.0.0.2").with_port(8080, "http").ready())
    cluster.add(web("b", "10.0.0.3").with_port(9090, "http").ready())
    cluster.add(web("c", "10.0.0.4").with_port(1, "other").ready())
    assert {s["ports"][0]["port"] for s in slices(cluster)} == {8080, 9090}
    assert addresses(cluster) == {"10.0.0.2", "10.0.0.3"}
    assert sorted(s["ports"][0]["port"] for s in subsets(cluster)) == [8080, 9090]


def test_a_slice_holds_a_hundred_and_only_slices_that_change_are_written() -> None:
    cluster = started()
    pods = [web(f"p{i:03}", f"10.0.{i // 200}.{i % 200 + 1}").ready() for i in range(250)]
    cluster.add(*pods, service("web"))
    assert sorted(len(s["endpoints"]) for s in slices(cluster)) == [50, 100, 100]
    before = {name_of(s): s["metadata"]["resourceVersion"] for s in slices(cluster)}
    cluster.make_ready(cluster._pod("p007"), "False")
    cluster.settle()
    changed = [s for s in slices(cluster) if before[name_of(s)] != s["metadata"]["resourceVersion"]]
    assert len(changed) == 1
    cluster.add(web("late", "10.0.9.1").ready())
    assert sorted(len(s["endpoints"]) for s in slices(cluster)) == [51, 100, 100]


def test_endpoints_end_at_a_thousand_addresses() -> None:
    cluster = started()
    pods = [web(f"p{i:04}", f"10.{i // 250}.0.{i % 250}").ready() for i in range(1001)]
    cluster.add(*pods, service("web"))
    (subset,) = subsets(cluster)
    assert len(subset["addresses"]) == 1000
    found = annotations_of(cluster.get(kinds.ENDPOINTS, "web"))
    assert found["endpoints.kubernetes.io/over-capacity"] == "truncated"


def test_pods_of_other_labels_and_ended_pods_do_not_belong() -> None:
    cluster = started()
    cluster.add(service("web"), web("a", "10.0.0.2").ready(), pod("b").at("10.0.0.3").ready())
    cluster.add(web("done", "10.0.0.4").phase("Succeeded"))
    assert addresses(cluster, "serving") == {"10.0.0.2"}
    cluster.change(kinds.PODS, "a", lambda p: with_metadata(p, labels={"app": "x"}))
    assert addresses(cluster, "serving") == set()


def test_a_changed_selector_selects_anew() -> None:
    cluster = started()
    cluster.add(service("web"), web("a", "10.0.0.2").ready())
    cluster.add(pod("b").labelled(app="db").on("n1").at("10.0.0.3").ready())
    cluster.set_spec(kinds.SERVICES, "web", selector={"app": "db"})
    assert addresses(cluster) == {"10.0.0.3"}


def test_a_service_without_selector_is_left_to_its_author() -> None:
    cluster = started()
    cluster.add(service("web", selector=None))
    assert slices(cluster) == []
    assert not cluster.exists(kinds.ENDPOINTS, "web")


def test_a_deleted_services_endpoints_go_with_it() -> None:
    cluster = started()
    cluster.add(service("web"), web("a", "10.0.0.2").ready())
    cluster.delete(kinds.SERVICES, "web")
    assert slices(cluster) == []
    assert not cluster.exists(kinds.ENDPOINTS, "web")


def test_a_slice_somebody_deletes_comes_back() -> None:
    cluster = started()
    cluster.add(service("web"), web("a", "10.0.0.2").ready())
    cluster.delete(kinds.ENDPOINT_SLICES, name_of(slices(cluster)[0]))
    assert addresses(cluster) == {"10.0.0.2"}


def test_slices_without_room_for_all_that_is_new_are_left_alone() -> None:
    """One write for a new slice instead of two to fill old ones up."""

    def endpoint(i: int) -> Object:
        return {"addresses": [f"10.0.0.{i}"]}

    old = [{"endpoints": [endpoint(i) for i in range(at, at + 95)]} for at in (0, 100)]
    known = [e for each in old for e in each["endpoints"]]
    wanted = {e["addresses"][0]: e for e in [*known, *map(endpoint, range(200, 210))]}
    plan = Plan()
    plan.place((), wanted, old)
    assert [len(e) for _, e in plan.create] == [10]
    assert [found["endpoints"] == kept for found, _, kept in plan.update] == [True, True]
