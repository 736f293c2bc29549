"""KubeSchedulerConfiguration: what may be said, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.scheduler import ConfigError
from cluster.scheduler.config import load
from tests.scheduler.harness import Harness, node, pod

WEIGHTS = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
}


def profile(**more: Any) -> dict[str, Any]:
    return {"profiles": [{"schedulerName": "default-scheduler", **more}]}


def weights(h: Harness) -> dict[str, int]:
    scorers = h.scheduler.profiles["default-scheduler"].scorers
    return {s.plugin.name: s.weight for s in scorers}


def test_the_default_plugins_have_upstreams_weights() -> None:
    assert weights(Harness()) == WEIGHTS


def test_a_plugin_is_disabled_at_one_point_and_weighs_more_at_another() -> None:
    score = {"disabled": [{"name": "ImageLocality"}],
             "enabled": [{"name": "NodeResourcesFit", "weight": 7}]}  # fmt: skip
    given = weights(Harness(profile(plugins={"score": score})))
    assert "ImageLocality" not in given
    assert given["NodeResourcesFit"] == 7


def test_all_defaults_of_a_point_can_be_disabled() -> None:
    score = {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeResourcesFit"}]}
    assert weights(Harness(profile(plugins={"score": score}))) == {"NodeResourcesFit": 1}


def test_a_disabled_filter_does_not_filter() -> None:
    off = {"multiPoint": {"disabled": [{"name": "NodeUnschedulable"}]}}
    h = Harness(profile(plugins=off))
    h.add(node("n1", unschedulable=True), pod("web"))
    h.settle()
    assert h.where("web") == "n1"


def test_most_allocated_packs_where_the_default_spreads() -> None:
    args = {"scoringStrategy": {"type": "MostAllocated"}}
    h = Harness(profile(pluginConfig=[{"name": "NodeResourcesFit", "args": args}]))
    h.add(node("n1"), node("n2"), pod("first", "1", "2Gi", nodeName="n1"))
    h.add(*(pod(f"p{i}", "1", "2Gi") for i in range(3)))
    h.settle()
    assert {h.where(f"p{i}") for i in range(3)} == {"n1"}


def test_added_affinity_holds_for_every_pod_of_the_profile() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    config = [{"name": "NodeAffinity", "args": {"addedAffinity": required}}]
    h = Harness(profile(pluginConfig=config))
    h.add(node("n1"), pod("web"))
    h.settle()
    assert h.why("web").startswith(
        "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity."
    )
    h.add(node("n2", labels={"disk": "ssd"}))
    h.settle()
    assert h.where("web") == "n2"


def test_two_profiles_serve_two_scheduler_names_and_sign_their_events() -> None:
    h = Harness({"profiles": [{}, {"schedulerName": "mine"}]})
    h.add(node("n1"), pod("a"), pod("b", schedulerName="mine"), pod("c", schedulerName="other"))
    h.settle()
    assert (h.where("a"), h.where("b"), h.where("c")) == ("n1", "n1", "")


def test_fewer_nodes_are_scored_when_asked_to_and_the_next_search_goes_on_from_there() -> None:
    h = Harness({**profile(percentageOfNodesToScore=50)})
    h.add(*(node(f"n{i:03d}") for i in range(220)), pod("a"), pod("b"))
    h.settle()
    first, second = (h.scheduler.decisions.of(f"default/{n}")[0] for n in "ab")
    assert first.equals == 110
    assert first.node < "n110" <= second.node


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "Other", "apiVersion": "v1"}, "no kind"),
        ({"profiles": [{}, {}]}, "Duplicate value"),
        ({"profiles": [{"schedulerName": ""}]}, "Required value"),
        ({"podInitialBackoffSeconds": 0}, "must be greater than 0"),
        ({"podMaxBackoffSeconds": 0.5}, "must be greater than or equal"),
        ({"percentageOfNodesToScore": 101}, r"not in valid range \[0-100\]"),
        (profile(plugins={"nothing": {}}), "unknown field"),
        (profile(plugins={"score": {"enabled": [{"name": "X", "weight": -1}]}}), "Invalid value"),
    ],
)
def test_a_broken_configuration_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(config)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"plugins": {"multiPoint": {"enabled": [{"name": "Nope"}]}}}, "does not exist"),
        ({"plugins": {"filter": {"enabled": [{"name": "ImageLocality"}]}}}, "does not extend"),
        ({"plugins": {"bind": {"disabled": [{"name": "*"}]}}}, "at least one bind plugin"),
        ({"plugins": {"queueSort": {"disabled": [{"name": "*"}]}}}, "exactly one queue sort"),
        (
            {"pluginConfig": [{"name": "NodeResourcesFit",
                               "args": {"scoringStrategy": {"type": "X"}}}]},
            "Unsupported value",
        ),
        (
            {"pluginConfig": [{"name": "InterPodAffinity",
                               "args": {"hardPodAffinityWeight": 101}}]},
            "not in valid range",
        ),
        (
            {"pluginConfig": [{"name": "PodTopologySpread", "args": {
                "defaultConstraints": [{"topologyKey": "z"}]}}]},
            "must not contain constraints",
        ),
    ],
)  # fmt: skip
def test_broken_plugins_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Harness(profile(**more))
