"""Jobs: until enough pods have succeeded, each counted once."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.meta import annotations_of, name_of
from tests.controllers.harness import Harness, job

TRACKED = "batch.kubernetes.io/job-tracking"


def started(**spec: Any) -> Harness:
    cluster = Harness("job-controller", "ttl-after-finished-controller")
    cluster.add(job("sum", **spec))
    cluster.run_pods()
    return cluster


def status(cluster: Harness) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get(kinds.JOBS, "sum")["status"]
    return found


def conditions(cluster: Harness) -> dict[str, tuple[str, str]]:
    return cluster.conditions(kinds.JOBS, "sum")


def succeed(cluster: Harness, count: int = 1) -> None:
    for each in cluster.living()[:count]:
        cluster.end(each)


def test_a_pod_that_succeeds_completes_the_job() -> None:
    cluster = started()
    (only,) = cluster.pods()
    assert only["metadata"]["finalizers"] == [TRACKED]
    assert status(cluster)["active"] == 1
    cluster.advance(5)
    succeed(cluster)
    shown = status(cluster)
    assert shown["completionTime"] == "2026-01-01T00:00:05Z"
    assert {k: shown[k] for k in shown if k not in ("conditions", "completionTime")} == {
        "startTime": "2026-01-01T00:00:00Z",
        "succeeded": 1,
        "ready": 0,
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    assert conditions(cluster) == {
        "SuccessCriteriaMet": ("True", "CompletionsReached"),
        "Complete": ("True", "CompletionsReached"),
    }
    assert cluster.events("Completed") == ["Completed: Job completed"]
    assert "finalizers" not in cluster.pods()[0]["metadata"]


def test_parallelism_bounds_how_many_run_and_completions_how_many_are_left() -> None:
    cluster = started(completions=5, parallelism=2)
    assert len(cluster.living()) == 2
    succeed(cluster, 2)
    assert len(cluster.living()) == 2
    cluster.run_pods()
    succeed(cluster, 2)
    assert len(cluster.living()) == 1
    cluster.run_pods()
    succeed(cluster)
    assert status(cluster)["succeeded"] == 5
    assert len(cluster.pods()) == 5


def test_a_work_queue_ends_when_one_has_succeeded_and_none_is_left() -> None:
    cluster = started(parallelism=3)
    succeed(cluster)
    assert len(cluster.living()) == 2
    assert "Complete" not in conditions(cluster)
    succeed(cluster, 2)
    assert conditions(cluster)["Complete"] == ("True", "CompletionsReached")


def test_a_failed_pod_is_replaced_after_10_20_40_seconds() -> None:
    cluster = started(backoffLimit=4)
    waited = []
    for _ in range(3):
        cluster.end(cluster.living()[0], "Failed")
        began = cluster.now
        while not cluster.living():
            cluster.advance(1)
        waited.append(cluster.now - began)
        cluster.run_pods()
    assert waited == [10, 20, 40]
    assert status(cluster)["failed"] == 3


def test_beyond_the_back_off_limit_the_job_fails() -> None:
    cluster = started(backoffLimit=1)
    for _ in range(2):
        cluster.end(cluster.living()[0], "Failed")
        cluster.advance(30)
        cluster.run_pods()
    assert conditions(cluster) == {
        "FailureTarget": ("True", "BackoffLimitExceeded"),
        "Failed": ("True", "BackoffLimitExceeded"),
    }
    text = "BackoffLimitExceeded: Job has reached the specified backoff limit"
    assert cluster.events("BackoffLimitExceeded") == [text]
    assert status(cluster)["failed"] == 2


def test_at_its_deadline_it_stops_its_pods_and_fails_when_they_are_gone() -> None:
    cluster = started(parallelism=2, completions=2, activeDeadlineSeconds=60)
    cluster.advance(59)
    assert len(cluster.living()) == 2
    cluster.advance(1)
    assert cluster.living() == []
    assert conditions(cluster) == {"FailureTarget": ("True", "DeadlineExceeded")}
    cluster.finish_deletions()
    assert conditions(cluster)["Failed"] == ("True", "DeadlineExceeded")
    assert cluster.pods() == []


def test_a_pod_somebody_deletes_counts_as_failed_and_is_replaced() -> None:
    cluster = started()
    cluster.delete(kinds.PODS, name_of(cluster.pods()[0]))
    assert status(cluster)["failed"] == 1
    cluster.advance(10)
    assert len(cluster.living()) == 1


def test_replacing_failed_pods_only_waits_until_the_old_one_has_ended() -> None:
    cluster = started(podReplacementPolicy="Failed")
    (old,) = cluster.pods()
    cluster.delete(kinds.PODS, name_of(old))
    cluster.advance(60)
    assert cluster.living() == []
    assert "failed" not in status(cluster)
    cluster.end(old, "Failed")
    cluster.advance(10)
    assert len(cluster.living()) == 1


def test_a_suspended_job_has_no_pods_and_starts_anew_when_resumed() -> None:
    cluster = started(suspend=True)
    assert cluster.pods() == []
    assert "startTime" not in status(cluster)
    cluster.advance(100)
    cluster.set_spec(kinds.JOBS, "sum", suspend=False)
    assert len(cluster.living()) == 1
    assert status(cluster)["startTime"] == "2026-01-01T00:01:40Z"
    assert conditions(cluster)["Suspended"] == ("False", "JobResumed")
    cluster.run_pods()
    cluster.set_spec(kinds.JOBS, "sum", suspend=True)
    cluster.finish_deletions()
    assert cluster.pods() == []
    assert "failed" not in status(cluster)
    assert cluster.events("Resumed") == ["Resumed: Job resumed"]
    assert cluster.events("Suspended") == ["Suspended: Job suspended"]


def test_fewer_pods_in_parallel_stops_some_without_counting_them() -> None:
    cluster = started(parallelism=3, completions=6)
    cluster.set_spec(kinds.JOBS, "sum", parallelism=1)
    assert len(cluster.living()) == 1
    cluster.finish_deletions()
    assert "failed" not in status(cluster)


def test_an_indexed_job_completes_every_index_once() -> None:
    cluster = started(completions=3, parallelism=2, completionMode="Indexed")
    key = "batch.kubernetes.io/job-completion-index"
    by_index = {annotations_of(p)[key]: p for p in cluster.pods()}
    assert sorted(by_index) == ["0", "1"]
    assert by_index["1"]["spec"]["hostname"] == "sum-1"
    assert name_of(by_index["1"]).startswith("sum-1-")
    (entry,) = by_index["0"]["spec"]["containers"][0]["env"]
    assert entry["name"] == "JOB_COMPLETION_INDEX"
    cluster.end(by_index["0"])
    cluster.end(by_index["1"], "Failed")
    cluster.advance(10)
    assert sorted(annotations_of(p)[key] for p in cluster.living()) == ["1", "2"]
    cluster.run_pods()
    succeed(cluster, 2)
    assert status(cluster)["completedIndexes"] == "0-2"
    assert conditions(cluster)["Complete"][0] == "True"


def test_no_end_is_counted_twice_or_lost_when_the_controller_restarts() -> None:
    cluster = started(completions=4, parallelism=4)
    for each in cluster.living():
        cluster.names = ("job-controller",)
        cluster.end(each)
        cluster.restart()
    assert status(cluster)["succeeded"] == 4
    assert "failed" not in status(cluster)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_the_pods_of_a_deleted_job_are_let_go(propagation: str) -> None:
    cluster = Harness("job-controller", "garbage-collector-controller")
    cluster.add(job("sum"))
    cluster.run_pods()
    cluster.delete(kinds.JOBS, "sum", propagation=propagation)
    cluster.finish_deletions()
    assert cluster.pods() == []
    assert not cluster.exists(kinds.JOBS, "sum")


def test_a_finished_job_goes_after_its_time_to_live() -> None:
    cluster = Harness(
        "job-controller", "ttl-after-finished-controller", "garbage-collector-controller"
    )
    cluster.add(job("sum", ttlSecondsAfterFinished=30))
    cluster.run_pods()
    succeed(cluster)
    cluster.advance(29)
    assert cluster.exists(kinds.JOBS, "sum")
    cluster.advance(1)
    cluster.finish_deletions()
    assert not cluster.exists(kinds.JOBS, "sum")
