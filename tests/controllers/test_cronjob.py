"""CronJobs: Jobs at the times of a schedule."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.client import kinds
from cluster.machinery.meta import Object, annotations_of, name_of
from tests.controllers.harness import Harness, template

MINUTES = 29453760  # of 2026-01-01T00:00Z since the epoch
RUNNING = "Not starting job because prior execution is running and concurrency policy is Forbid"


def cron_job(schedule: str = "* * * * *", **spec: Any) -> Object:
    job = {"spec": {"template": template({}, restartPolicy="Never")}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": {"schedule": schedule, "jobTemplate": job, **spec},
    }


def scheduled(schedule: str = "* * * * *", **spec: Any) -> Harness:
    cluster = Harness("cronjob-controller", "job-controller", "garbage-collector-controller")
    cluster.add(cron_job(schedule, **spec))
    return cluster


def jobs(cluster: Harness) -> list[str]:
    return sorted(name_of(j) for j in cluster.user.list(kinds.JOBS))


def numbers(cluster: Harness) -> list[int]:
    """Of the Jobs there are, the minutes since the start that they belong to."""
    return sorted(int(name.rpartition("-")[2]) - MINUTES for name in jobs(cluster))


def status(cluster: Harness) -> Object:
    found: Object = cluster.get(kinds.CRON_JOBS, "tick").get("status") or {}
    return found


def finish(cluster: Harness, phase: str = "Succeeded") -> None:
    cluster.run_pods()
    for each in cluster.living():
        cluster.end(each, phase)


def test_a_job_is_made_at_each_time_of_the_schedule() -> None:
    cluster = scheduled("*/5 * * * *")
    cluster.advance(299)
    assert jobs(cluster) == []
    cluster.advance(2)
    assert jobs(cluster) == [f"tick-{MINUTES + 5}"]
    job = cluster.get(kinds.JOBS, f"tick-{MINUTES + 5}")
    assert job["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    key = "batch.kubernetes.io/cronjob-scheduled-timestamp"
    assert annotations_of(job)[key] == "2026-01-01T00:05:00Z"
    assert status(cluster)["lastScheduleTime"] == "2026-01-01T00:05:00Z"
    assert [a["name"] for a in status(cluster)["active"]] == [name_of(job)]
    assert cluster.events("SuccessfulCreate", "tick") == [
        f"SuccessfulCreate: Created job {name_of(job)}"
    ]


def test_an_ended_job_leaves_the_active_list() -> None:
    cluster = scheduled()
    cluster.advance(61)
    name = jobs(cluster)[0]
    finish(cluster)
    assert "active" not in status(cluster)
    assert status(cluster)["lastSuccessfulTime"] == "2026-01-01T00:01:01Z"
    text = f"SawCompletedJob: Saw completed job: {name}, condition: Complete"
    assert cluster.events("SawCompletedJob") == [text]


def test_forbid_waits_for_the_running_job_and_starts_the_missed_one_after_it() -> None:
    cluster = scheduled(concurrencyPolicy="Forbid")
    cluster.advance(61)
    cluster.advance(120)
    assert numbers(cluster) == [1]
    assert cluster.events("JobAlreadyActive")[0] == f"JobAlreadyActive: {RUNNING}"
    finish(cluster)
    assert numbers(cluster) == [1, 3]


def test_replace_removes_the_running_job() -> None:
    cluster = scheduled(concurrencyPolicy="Replace")
    cluster.advance(121)
    cluster.finish_deletions()
    assert numbers(cluster) == [2]
    text = f"SuccessfulDelete: Deleted job tick-{MINUTES + 1}"
    assert text in cluster.events("SuccessfulDelete", "tick")
    assert len(status(cluster)["active"]) == 1


def test_allow_lets_them_run_beside_each_other() -> None:
    cluster = scheduled()
    cluster.advance(181)
    assert numbers(cluster) == [1, 2, 3]
    assert len(status(cluster)["active"]) == 3


def test_history_keeps_three_that_succeeded_and_one_that_failed() -> None:
    cluster = scheduled()
    for _ in range(5):
        cluster.advance(60.2)
        finish(cluster)
        cluster.finish_deletions()
    assert numbers(cluster) == [3, 4, 5]


def test_history_limits_of_failures() -> None:
    cluster = Harness("cronjob-controller", "job-controller", "garbage-collector-controller")
    body = cron_job()
    body["spec"]["jobTemplate"]["spec"]["backoffLimit"] = 0
    cluster.add(body)
    for _ in range(3):
        cluster.advance(60.2)
        finish(cluster, "Failed")
    assert numbers(cluster) == [3]


def test_suspended_it_does_nothing_and_resumed_it_starts_what_was_missed() -> None:
    cluster = scheduled(suspend=True)
    cluster.advance(200)
    assert jobs(cluster) == []
    cluster.set_spec(kinds.CRON_JOBS, "tick", suspend=False)
    assert numbers(cluster) == [3]


def test_too_late_is_too_late() -> None:
    cluster = scheduled("0 * * * *", suspend=True, startingDeadlineSeconds=30)
    cluster.advance(3700)
    cluster.set_spec(kinds.CRON_JOBS, "tick", suspend=False)
    assert jobs(cluster) == []
    cluster.advance(3600)
    assert numbers(cluster) == [120]


def test_a_hundred_missed_times_are_worth_a_warning_but_the_last_one_starts() -> None:
    cluster = scheduled(suspend=True)
    cluster.advance(60 * 150)
    cluster.set_spec(kinds.CRON_JOBS, "tick", suspend=False)
    assert numbers(cluster) == [150]
    assert cluster.events("TooManyMissedTimes")[0].startswith(
        "TooManyMissedTimes: too many missed start times. Set or decrease"
    )


def test_a_new_schedule_begins_with_its_next_time() -> None:
    cluster = scheduled("0 0 * * *")
    cluster.advance(3600)
    cluster.set_spec(kinds.CRON_JOBS, "tick", schedule="30 * * * *")
    assert jobs(cluster) == []
    cluster.advance(1801)
    assert numbers(cluster) == [90]


def test_times_are_read_in_the_time_zone() -> None:
    cluster = scheduled("0 9 * * *", timeZone="America/New_York")
    cluster.advance(14 * 3600 + 1)
    assert numbers(cluster) == [14 * 60]
    (job,) = cluster.user.list(kinds.JOBS)
    key = "batch.kubernetes.io/cronjob-scheduled-timestamp"
    assert annotations_of(job)[key] == "2026-01-01T09:00:00-05:00"


@pytest.mark.parametrize("schedule", ["@hourly", "0 * * * *"])
def test_nothing_is_looked_at_between_two_times(schedule: str) -> None:
    cluster = scheduled(schedule)
    due = cluster.settle()
    assert due is not None
    assert due - cluster.now == pytest.approx(3600.1)


def test_jobs_of_a_deleted_cron_job_go_with_it() -> None:
    cluster = scheduled()
    cluster.advance(61)
    cluster.delete(kinds.CRON_JOBS, "tick")
    cluster.finish_deletions()
    assert jobs(cluster) == []
    assert cluster.pods() == []


def test_a_lost_job_is_told_and_forgotten() -> None:
    cluster = scheduled(concurrencyPolicy="Forbid")
    cluster.advance(61)
    cluster.delete(kinds.JOBS, jobs(cluster)[0], propagation="Background")
    assert cluster.events("MissingJob") == [
        f"MissingJob: Active job went missing: tick-{MINUTES + 1}"
    ]
    assert "active" not in status(cluster)
