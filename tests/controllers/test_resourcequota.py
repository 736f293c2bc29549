"""Quotas: charged at creation, given back when things go."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, name_of
from tests.controllers.harness import Harness, pod, replica_set, service, simple


def quota(hard: Object, name: str = "q", **spec: Any) -> Object:
    meta = {"name": name, "namespace": "default"}
    kind = {"apiVersion": "v1", "kind": "ResourceQuota"}
    return {**kind, "metadata": meta, "spec": {"hard": hard, **spec}}


def sized(name: str, cpu: str = "100m") -> Any:
    builder = pod(name).labelled(app="web")
    builder.spec["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    return builder


def bounded(hard: Object, *things: Any, **spec: Any) -> Harness:
    cluster = Harness("resourcequota-controller", "replicaset-controller")
    cluster.add(*things, quota(hard, **spec))
    return cluster


def used(cluster: Harness) -> Object:
    found: Object = cluster.get(kinds.RESOURCE_QUOTAS, "q")["status"]["used"]
    return found


def test_what_was_there_before_the_quota_counts() -> None:
    hard = {"pods": "5", "requests.cpu": "1", "services": "2", "count/configmaps": "3"}
    cluster = bounded(hard, sized("a"), sized("b", "250m"), service("web"),
                      simple("ConfigMap", "c", namespace="default"))  # fmt: skip
    assert used(cluster) == {
        "pods": "2", "requests.cpu": "350m", "services": "1", "count/configmaps": "1",
    }  # fmt: skip
    assert cluster.get(kinds.RESOURCE_QUOTAS, "q")["status"]["hard"] == hard


def test_what_goes_is_given_back() -> None:
    cluster = bounded({"pods": "2"}, sized("a"), sized("b"))
    with pytest.raises(StatusError) as refused:
        cluster.add(sized("c"))
    assert refused.value.message == (
        'pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    )
    cluster.delete(kinds.PODS, "a", grace=0)
    assert used(cluster) == {"pods": "1"}
    cluster.add(sized("c"))
    assert used(cluster) == {"pods": "2"}


def test_a_pod_that_has_ended_uses_nothing() -> None:
    cluster = bounded({"pods": "1", "requests.cpu": "1"}, sized("a").on("n1").ready())
    cluster.end(cluster.pods()[0])
    assert used(cluster) == {"pods": "0", "requests.cpu": "0"}


def test_another_bound_is_counted_at_once() -> None:
    cluster = bounded({"pods": "1"}, sized("a"))
    cluster.set_spec(kinds.RESOURCE_QUOTAS, "q", hard={"requests.cpu": "2"})
    assert used(cluster) == {"requests.cpu": "100m"}


def test_scopes_choose_which_pods_count() -> None:
    cluster = bounded({"pods": "5"}, sized("a"), pod("b"), scopes=["BestEffort"])
    assert used(cluster) == {"pods": "1"}


def test_a_set_stops_at_the_quota_and_goes_on_when_there_is_room() -> None:
    cluster = bounded({"pods": "2"})
    cluster.add(replica_set("web", 3))
    assert len(cluster.living()) == 2
    text = cluster.events("FailedCreate")[0]
    assert "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2" in text
    kind = kinds.REPLICA_SETS
    assert cluster.conditions(kind, "web")["ReplicaFailure"] == ("True", "FailedCreate")
    cluster.set_spec(kinds.RESOURCE_QUOTAS, "q", hard={"pods": "3"})
    cluster.advance(30)
    assert len(cluster.living()) == 3
    assert "ReplicaFailure" not in cluster.conditions(kind, "web")
    assert name_of(cluster.get(kinds.RESOURCE_QUOTAS, "q")) == "q"
