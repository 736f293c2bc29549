"""The queue's states: active, backing off, unschedulable, gated."""

from __future__ import annotations

import pytest

from cluster.scheduler.cache.spec import PodSpec, Specs
from cluster.scheduler.framework import Action, ClusterEvent, Happening, On, Pending
from cluster.scheduler.queue import Entry, Place, SchedulingQueue
from tests.scheduler.harness import pod

FIT = frozenset({"Fit"})
HELPS = Happening(On.NODE, Action.ADD)
USELESS = Happening(On.NODE, Action.UPDATE_CONDITION)


def spec(priority: int = 0) -> tuple[Pending, PodSpec]:
    built = pod("p", priority=priority)
    made, _ = Specs().of(built)
    return Pending(built, made, ""), made


def entry(name: str, priority: int = 0) -> Entry:
    pending, made = spec(priority)
    out = Entry(name, name, made, "", 0)
    out.pending = pending
    return out


@pytest.fixture
def queue() -> SchedulingQueue:
    events = {"Fit": [ClusterEvent(On.NODE, Action.ADD)]}
    return SchedulingQueue(
        lambda e: (-e.spec.priority, e.since), lambda _: events, initial_backoff=1, max_backoff=10
    )


def popped(queue: SchedulingQueue, now: float) -> list[str]:
    out = []
    while (found := queue.pop(now)) is not None:
        out.append(found.key)
    return out


def test_more_important_first_then_longer_waiting(queue: SchedulingQueue) -> None:
    queue.add(entry("late"), 5)
    queue.add(entry("early"), 3)
    queue.add(entry("vip", 10), 9)
    assert popped(queue, 10) == ["vip", "early", "late"]


def test_an_unschedulable_pod_waits_for_an_event_that_may_help(queue: SchedulingQueue) -> None:
    queue.add(entry("a"), 0)
    taken = queue.pop(0)
    assert taken is not None
    queue.add_unschedulable(taken, FIT, 0)
    assert popped(queue, 100) == []
    assert queue.happened(USELESS, 100) == 0
    assert queue.happened(HELPS, 100) == 1
    assert popped(queue, 100) == ["a"]


def test_one_hint_moves_all_pods_that_are_alike(queue: SchedulingQueue) -> None:
    pending, made = spec()
    for name in ("a", "b", "c"):
        one = Entry(name, name, made, "", 0)
        one.pending = pending
        queue.add_unschedulable(one, FIT, 0)
    assert queue.happened(HELPS, 100) == 3
    assert popped(queue, 100) == ["a", "b", "c"]


def test_back_off_doubles_to_its_limit(queue: SchedulingQueue) -> None:
    moments = []
    one = entry("a")
    queue.add(one, 0)
    for _ in range(6):
        assert queue.pop(1000) is one
        queue.add_failed(one, 1000)
        moments.append(one.retry_at - 1000)
        queue.flush(one.retry_at)
    assert moments == [1, 2, 4, 8, 10, 10]


def test_a_failed_pod_sits_out_its_back_off_and_then_is_active(queue: SchedulingQueue) -> None:
    one = entry("a")
    one.attempts = 1
    queue.add_failed(one, 0)
    assert queue.pop(0.5) is None
    assert queue.next_deadline() == 1
    assert queue.pop(1) is one


def test_with_nothing_active_a_helped_pod_need_not_sit_out_its_back_off(
    queue: SchedulingQueue,
) -> None:
    one = entry("a")
    one.attempts = 3
    queue.add_unschedulable(one, FIT, 0)
    queue.happened(HELPS, 0)
    assert one.place is Place.BACKOFF
    assert queue.pop(0) is one


def test_after_five_minutes_it_is_tried_anyway(queue: SchedulingQueue) -> None:
    queue.add_unschedulable(entry("a"), FIT, 0)
    assert queue.next_deadline() == 300
    assert popped(queue, 299) == []
    assert popped(queue, 300) == ["a"]


def test_a_deleted_pod_is_never_popped_wherever_it_was(queue: SchedulingQueue) -> None:
    active, waiting = entry("a"), entry("b")
    queue.add(active, 0)
    queue.add_unschedulable(waiting, FIT, 0)
    queue.delete("a")
    queue.delete("b")
    assert queue.happened(HELPS, 1000) == 0
    assert popped(queue, 1000) == []
    assert queue.next_deadline() is None
    assert len(queue) == 0


def test_a_gated_pod_stays(queue: SchedulingQueue) -> None:
    queue.add_gated(entry("a"), 0)
    queue.happened(HELPS, 1000)
    assert popped(queue, 1000) == []
