"""Disruption budgets, and evictions that ask them."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, is_deleting, is_true, name_of
from tests.controllers.harness import Harness, deployment, job, pod

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def budget(name: str = "web", **spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def guarded(replicas: int = 3, **spec: Any) -> Harness:
    cluster = Harness("deployment-controller", "replicaset-controller", "disruption-controller")
    cluster.add(deployment("web", replicas), budget(**spec))
    cluster.run_pods()
    return cluster


def numbers(cluster: Harness) -> tuple[int, int, int, int]:
    """(allowed, healthy, desired, expected)"""
    status = cluster.get(kinds.POD_DISRUPTION_BUDGETS, "web")["status"]
    fields = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    allowed, healthy, desired, expected = (status[f] for f in fields)
    return allowed, healthy, desired, expected


def evict(cluster: Harness, victim: Object) -> StatusError | None:
    errors: list[StatusError] = []
    cluster.user.evict(victim, on_error=errors.append)
    cluster.user.flush()
    return errors[0] if errors else None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 2}, (1, 3, 2, 3)),
        ({"minAvailable": "50%"}, (1, 3, 2, 3)),
        ({"maxUnavailable": 1}, (1, 3, 2, 3)),
        ({"maxUnavailable": "34%"}, (2, 3, 1, 3)),
        ({"maxUnavailable": 0}, (0, 3, 3, 3)),
        ({"minAvailable": 5}, (0, 3, 5, 3)),
    ],
)
def test_how_many_may_go(spec: Object, expected: tuple[int, int, int, int]) -> None:
    assert numbers(guarded(**spec)) == expected


def test_the_condition_says_whether_any_may_go() -> None:
    cluster = guarded(minAvailable=2)
    kind, name = kinds.POD_DISRUPTION_BUDGETS, "web"
    assert cluster.conditions(kind, name) == {"DisruptionAllowed": ("True", "SufficientPods")}
    cluster.make_ready(cluster.living()[0], "False")
    cluster.settle()
    assert cluster.conditions(kind, name) == {"DisruptionAllowed": ("False", "InsufficientPods")}
    assert numbers(cluster) == (0, 2, 2, 3)


def test_what_a_deployment_wants_counts_and_not_what_it_has() -> None:
    cluster = guarded(4, minAvailable="50%")
    cluster.set_spec(kinds.DEPLOYMENTS, "web", replicas=8)
    assert numbers(cluster) == (0, 4, 4, 8)


def test_an_eviction_takes_from_the_budget_before_the_controller_has_looked() -> None:
    cluster = guarded(minAvailable=2)
    first, second, _ = cluster.living()
    assert evict(cluster, first) is None
    status = cluster.get(kinds.POD_DISRUPTION_BUDGETS, "web")["status"]
    assert (status["disruptionsAllowed"], list(status["disruptedPods"])) == (0, [name_of(first)])
    refused = evict(cluster, second)
    assert refused is not None
    assert (refused.code, refused.reason, refused.message) == (429, "TooManyRequests", REFUSED)
    text = "The disruption budget web needs 2 healthy pods and has 3 currently"
    assert refused.details == {"causes": [{"reason": "DisruptionBudget", "message": text}]}
    gone = cluster.get(kinds.PODS, name_of(first))
    assert is_deleting(gone)
    (reason,) = [c for c in gone["status"]["conditions"] if c["type"] == "DisruptionTarget"]
    assert (reason["reason"], reason["message"]) == (
        "EvictionByEvictionAPI",
        "Eviction API: evicting",
    )


def test_of_two_evictions_at_once_only_one_fits() -> None:
    cluster = guarded(minAvailable=2)
    errors: list[StatusError] = []
    for victim in cluster.living()[:2]:
        cluster.user.evict(victim, on_error=errors.append)
    cluster.user.flush()
    assert [e.code for e in errors] == [429]
    assert sum(is_deleting(p) for p in cluster.pods()) == 1


def test_a_drain_goes_on_when_the_replacement_is_ready() -> None:
    cluster = guarded(minAvailable=2)
    victims = cluster.living()
    assert evict(cluster, victims[0]) is None
    cluster.settle()
    assert evict(cluster, victims[1]) is not None
    cluster.finish_deletions()
    cluster.run_pods()
    assert numbers(cluster) == (1, 3, 2, 3)
    assert evict(cluster, victims[1]) is None


def test_a_budget_that_nobody_has_looked_at_refuses_for_now() -> None:
    cluster = Harness("replicaset-controller")
    cluster.add(pod("web").labelled(app="web").on("n1").ready(), budget(minAvailable=0))
    refused = evict(cluster, cluster.pods()[0])
    assert refused is not None
    assert refused.details is not None
    assert refused.details["retryAfterSeconds"] == 10
    text = "The disruption budget web is still being processed by the server."
    assert refused.details["causes"][0]["message"] == text


def test_pods_that_do_not_serve_yet_may_always_go() -> None:
    cluster = guarded(minAvailable=3)
    waiting = cluster.add(pod("new").labelled(app="web"))
    assert evict(cluster, waiting) is None


def test_a_broken_pod_of_a_healthy_budget_may_go_without_counting() -> None:
    cluster = guarded(minAvailable=2)
    broken = cluster.make_ready(cluster.living()[0], "False")
    cluster.settle()
    assert evict(cluster, broken) is None
    assert numbers(cluster)[0] == 0


def test_always_allow_lets_broken_pods_go_from_a_broken_budget() -> None:
    cluster = guarded(minAvailable=3)
    broken = cluster.make_ready(cluster.living()[0], "False")
    cluster.settle()
    assert evict(cluster, broken) is not None
    kind = kinds.POD_DISRUPTION_BUDGETS
    cluster.set_spec(kind, "web", unhealthyPodEvictionPolicy="AlwaysAllow")
    assert evict(cluster, broken) is None


def test_two_budgets_over_one_pod_are_an_error() -> None:
    cluster = guarded(minAvailable=1)
    cluster.add(budget("other", minAvailable=1))
    refused = evict(cluster, cluster.living()[0])
    assert refused is not None
    assert refused.code == 500
    assert refused.message.startswith("This pod has more than one PodDisruptionBudget")


def test_a_note_of_an_eviction_that_did_not_happen_is_dropped_after_two_minutes() -> None:
    cluster = guarded(minAvailable=2)
    kind, victim = kinds.POD_DISRUPTION_BUDGETS, name_of(cluster.living()[0])
    noted = {"disruptedPods": {victim: "2026-01-01T00:00:00Z"}}
    cluster.change(kind, "web", lambda o: {**o, "status": {**o["status"], **noted}}, "status")
    assert numbers(cluster) == (0, 2, 2, 3)
    cluster.advance(120)
    assert numbers(cluster) == (1, 3, 2, 3)
    assert cluster.events("NotDeleted") == [
        "NotDeleted: Pod was expected by PDB default/web to be deleted but it wasn't"
    ]


def test_owners_without_a_scale_allow_nothing() -> None:
    cluster = Harness("job-controller", "disruption-controller")
    body = job("sum", parallelism=2)
    body["spec"]["template"]["metadata"]["labels"] = {"app": "web"}
    cluster.add(body, budget(maxUnavailable=1))
    kind = kinds.POD_DISRUPTION_BUDGETS
    assert cluster.conditions(kind, "web")["DisruptionAllowed"] == ("False", "SyncFailed")
    text = "jobs.batch does not implement the scale subresource"
    expected = f"Failed to calculate the number of expected pods: {text}"
    assert cluster.events("CalculateExpectedPodCountFailed")[-1].endswith(expected)


def test_a_disruption_that_never_came_is_taken_back() -> None:
    cluster = guarded(minAvailable=1)
    victim = cluster.living()[0]
    target = {"type": "DisruptionTarget", "status": "True", "reason": "Test",
              "lastTransitionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
    conditions = [*victim["status"]["conditions"], target]
    cluster.set_status(victim, conditions=conditions)
    cluster.advance(121)
    found = cluster.get(kinds.PODS, name_of(victim))["status"]["conditions"]
    assert not is_true(found, "DisruptionTarget")
