"""Jobs with rules of their own: what fails an index, fails the Job, is ignored, is enough."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.clock import format_time
from cluster.machinery.meta import Object, annotations_of, name_of
from tests.controllers.harness import Harness, job

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}


def started(**spec: Any) -> Harness:
    cluster = Harness("job-controller", "pod-garbage-collector-controller")
    cluster.add(job("sum", **spec))
    cluster.run_pods()
    return cluster


def status(cluster: Harness) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get(kinds.JOBS, "sum")["status"]
    return found


def conditions(cluster: Harness) -> dict[str, tuple[str, str]]:
    return cluster.conditions(kinds.JOBS, "sum")


def fail(cluster: Harness, pod: Object, code: int = 1, *more: Object) -> None:
    """Its only container has ended with an exit code."""
    current = cluster.get(kinds.PODS, name_of(pod))
    ended = {"exitCode": code, "finishedAt": format_time(cluster.now)}
    statuses = [{"name": "main", "state": {"terminated": ended}}]
    conditions = [*current["status"].get("conditions", ()), *more]
    cluster.set_status(current, phase="Failed", containerStatuses=statuses, conditions=conditions)
    cluster.settle()


def of_index(cluster: Harness, index: int) -> Object:
    (found,) = [p for p in cluster.living() if annotations_of(p)[INDEX] == str(index)]
    return found


def rule(action: str, operator: str = "In", *codes: int, **more: Any) -> Object:
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(codes), **more}}


def test_a_rule_on_an_exit_code_fails_the_job_at_once() -> None:
    policy = {"rules": [rule("FailJob", "In", 42, containerName="main")]}
    cluster = started(completions=3, parallelism=3, podFailurePolicy=policy)
    victim = cluster.living()[0]
    fail(cluster, victim, 42)
    assert conditions(cluster)["FailureTarget"] == ("True", "PodFailurePolicy")
    assert cluster.living() == []
    for each in cluster.pods():
        if each["status"]["phase"] == "Running":
            fail(cluster, each, 143)
    cluster.finish_deletions()
    assert conditions(cluster)["Failed"] == ("True", "PodFailurePolicy")
    (condition,) = [c for c in status(cluster)["conditions"] if c["type"] == "Failed"]
    assert condition["message"] == (
        f"Container main for pod default/{name_of(victim)} failed with exit code 42 matching "
        "FailJob rule at index 0"
    )


def test_an_ignored_failure_does_not_count_and_a_counted_one_does() -> None:
    patterns = [{"type": "DisruptionTarget", "status": "True"}]
    policy = {"rules": [{"action": "Ignore", "onPodConditions": patterns}]}
    cluster = started(backoffLimit=0, podFailurePolicy=policy)
    fail(cluster, cluster.living()[0], 137, DISRUPTED)
    cluster.advance(10)
    assert "failed" not in status(cluster)
    cluster.run_pods()
    fail(cluster, cluster.living()[0], 1)
    assert conditions(cluster)["Failed"] == ("True", "BackoffLimitExceeded")


def test_a_rule_on_all_codes_but_some() -> None:
    policy = {"rules": [rule("FailJob", "NotIn", 1, 2)]}
    cluster = started(podFailurePolicy=policy)
    fail(cluster, cluster.living()[0], 2)
    assert "FailureTarget" not in conditions(cluster)
    cluster.advance(10)
    cluster.run_pods()
    fail(cluster, cluster.living()[0], 3)
    assert conditions(cluster)["FailureTarget"] == ("True", "PodFailurePolicy")


def indexed(**spec: Any) -> Harness:
    return started(completions=3, parallelism=3, completionMode="Indexed", **spec)


def test_each_index_has_its_own_back_off_and_limit() -> None:
    cluster = indexed(backoffLimitPerIndex=1)
    assert cluster.get(kinds.JOBS, "sum")["spec"]["backoffLimit"] == 2**31 - 1
    fail(cluster, of_index(cluster, 0))
    held = [p for p in cluster.pods() if p["status"]["phase"] == "Failed"]
    assert "finalizers" in held[0]["metadata"]
    cluster.advance(10)
    again = of_index(cluster, 0)
    assert annotations_of(again)[FAILURES] == "1"
    assert "finalizers" not in cluster.get(kinds.PODS, name_of(held[0]))["metadata"]
    cluster.run_pods()
    fail(cluster, of_index(cluster, 0))
    assert status(cluster)["failedIndexes"] == "0"
    assert "Failed" not in conditions(cluster)
    for index in (1, 2):
        cluster.end(of_index(cluster, index))
    assert conditions(cluster)["Failed"] == ("True", "FailedIndexes")
    shown = status(cluster)
    assert (shown["completedIndexes"], shown["failed"], shown["succeeded"]) == ("1,2", 2, 2)


def test_back_offs_of_indexes_double_independently() -> None:
    cluster = indexed(backoffLimitPerIndex=5)
    fail(cluster, of_index(cluster, 0))
    cluster.advance(10)
    cluster.run_pods()
    fail(cluster, of_index(cluster, 0))
    fail(cluster, of_index(cluster, 1))
    cluster.advance(10)
    assert {annotations_of(p)[INDEX] for p in cluster.living()} == {"1", "2"}
    cluster.advance(10)
    assert {annotations_of(p)[INDEX] for p in cluster.living()} == {"0", "1", "2"}


def test_too_many_failed_indexes_fail_the_job() -> None:
    cluster = indexed(backoffLimitPerIndex=0, maxFailedIndexes=1)
    fail(cluster, of_index(cluster, 0))
    assert "FailureTarget" not in conditions(cluster)
    fail(cluster, of_index(cluster, 1))
    assert conditions(cluster)["FailureTarget"] == ("True", "MaxFailedIndexesExceeded")
    cluster.finish_deletions()
    assert conditions(cluster)["Failed"] == ("True", "MaxFailedIndexesExceeded")
    assert status(cluster)["failedIndexes"] == "0,1"


def test_a_rule_may_give_an_index_up_early() -> None:
    policy = {"rules": [rule("FailIndex", "In", 3)]}
    cluster = indexed(backoffLimitPerIndex=6, podFailurePolicy=policy)
    fail(cluster, of_index(cluster, 2), 3)
    assert status(cluster)["failedIndexes"] == "2"
    cluster.advance(1000)
    assert len(cluster.living()) == 2


@pytest.mark.parametrize(
    ("wanted", "enough"),
    [
        ({"succeededIndexes": "0"}, [0]),
        ({"succeededCount": 2}, [1, 2]),
        ({"succeededIndexes": "0,2", "succeededCount": 1}, [2]),
    ],
)
def test_a_success_policy_ends_the_job_early(wanted: Object, enough: list[int]) -> None:
    cluster = indexed(successPolicy={"rules": [wanted]})
    for index in enough:
        assert "SuccessCriteriaMet" not in conditions(cluster)
        cluster.end(of_index(cluster, index))
    assert conditions(cluster) == {"SuccessCriteriaMet": ("True", "SuccessPolicy")}
    assert cluster.living() == []
    cluster.finish_deletions()
    assert conditions(cluster)["Complete"] == ("True", "SuccessPolicy")
    (condition,) = [c for c in status(cluster)["conditions"] if c["type"] == "Complete"]
    assert condition["message"] == "Matched rules at index 0"


def test_a_job_somebody_else_manages_is_left_alone() -> None:
    cluster = Harness("job-controller")
    cluster.add(job("sum", managedBy="example.com/other"))
    assert cluster.pods() == []


def test_a_pod_deleted_before_it_was_bound_is_replaced_even_if_only_failed_ones_are() -> None:
    cluster = Harness("job-controller", "pod-garbage-collector-controller")
    cluster.add(job("sum", podReplacementPolicy="Failed"))
    cluster.delete(kinds.PODS, name_of(cluster.pods()[0]))
    cluster.advance(10)
    assert len(cluster.living()) == 1
    assert status(cluster)["failed"] == 1


def test_elastic_indexed_jobs_shrink_and_grow() -> None:
    cluster = indexed()
    cluster.set_spec(kinds.JOBS, "sum", completions=2, parallelism=2)
    cluster.finish_deletions()
    assert {annotations_of(p)[INDEX] for p in cluster.living()} == {"0", "1"}
    cluster.set_spec(kinds.JOBS, "sum", completions=4, parallelism=4)
    assert {annotations_of(p)[INDEX] for p in cluster.living()} == {"0", "1", "2", "3"}
    assert "failed" not in status(cluster)
