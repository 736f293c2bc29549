"""Every node, every reason, every score; and one sentence for whoever is in a hurry."""

from __future__ import annotations

from cluster.scheduler.explain import Explanation
from tests.scheduler.harness import Harness, node, pod, taint


def explained(h: Harness, name: str) -> Explanation:
    found = h.scheduler.explain(f"default/{name}")
    assert found is not None
    return found


def test_every_feasible_node_has_raw_normalised_and_weighted_scores() -> None:
    h = Harness()
    preferred = {"weight": 10, "preference": {"matchExpressions": [
        {"key": "disk", "operator": "Exists"}]}}  # fmt: skip
    nodes = {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}
    h.add(node("n1"), node("n2", labels={"disk": "ssd"}))
    h.add(pod("web", "1", "1Gi", affinity={"nodeAffinity": nodes}, schedulingGates=[{"name": "g"}]))
    h.settle()
    best, other = explained(h, "web").ranking
    score = best.scores["NodeAffinity"]
    assert (best.name, score.raw, score.normalized, score.weighted) == ("n2", 10, 100, 200)
    assert best.total - other.total == 200
    assert explained(h, "web").sentence() == "n2 wins by 200 over n1."


def test_the_explanation_agrees_with_the_decision() -> None:
    h = Harness()
    h.add(node("n1"), node("n2", "4"), node("n3", taints=[taint("k")]))
    h.add(pod("web", "1", schedulingGates=[{"name": "g"}]))
    h.settle()
    before = explained(h, "web")
    stored = h.get("web")
    h.user.do_update({**stored, "spec": {**stored["spec"], "schedulingGates": []}})
    h.settle()
    (decision,) = h.scheduler.decisions.of("default/web")
    assert [(n.name, n.total) for n in before.ranking] == list(decision.best)
    assert before.sentence() == (
        f"n1 wins by {before.ranking[0].total - before.ranking[1].total} over n2; "
        "n3 is out (had untolerated taint {k: })."
    )


def test_all_that_is_against_a_node_is_told_not_only_the_first() -> None:
    h = Harness()
    h.add(node("n1", "1", taints=[taint("k")], unschedulable=True), pod("big", "3"))
    h.settle()
    (view,) = explained(h, "big").nodes
    assert list(view.against) == ["NodeUnschedulable", "TaintToleration", "NodeResourcesFit"]


def test_the_nearest_miss_says_what_is_lacking() -> None:
    h = Harness()
    h.add(node("n1", "1"), node("n2", "2"), node("n3", taints=[taint("k")]))
    h.add(pod("a", "500m", nodeName="n2"), pod("big", "1700m"))
    h.settle()
    found = explained(h, "big")
    assert found.nearest_miss is not None
    assert (found.nearest_miss.name, found.nearest_miss.missing) == ("n2", {"cpu": 200})
    assert found.sentence().startswith("It would fit n2 with 200m more cpu; ")


def test_asking_changes_nothing() -> None:
    def places(ask: bool) -> list[str]:
        h = Harness(seed=3)
        h.add(*(node(f"n{i}") for i in range(6)), *(pod(f"p{i}", "1") for i in range(6)))
        h.env.informers.sync()
        if ask:
            explained(h, "p0")
        h.settle()
        return [h.where(f"p{i}") for i in range(6)]

    assert places(True) == places(False)
