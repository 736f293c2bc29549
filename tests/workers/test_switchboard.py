"""Wake-ups: one task for any number of reasons, and none lost."""

from __future__ import annotations

import pytest

from cluster.client import kinds
from cluster.etcd.api import Hint
from tests.workers.conftest import Board
from workers.switchboard import Switchboard, Tidings, celery_url

POD = kinds.PODS.key("default", "web")
NODE = kinds.NODES.key("", "n1")


def hint(*keys: bytes, revision: int = 7) -> Hint:
    return Hint("test", 1, revision, keys)


def test_only_who_is_interested_is_woken(board: Board) -> None:
    board.enlist("scheduler", ["pods", "nodes"])
    board.enlist("kubelet.0", ["pods"])
    board.announce(hint(NODE))
    assert board.sent == ["scheduler"]
    assert board.mark("kubelet.0") == 0


def test_many_reasons_make_one_task(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    for _ in range(5):
        board.announce(hint(POD))
    assert board.sent == ["scheduler"]


def test_a_component_does_not_wake_itself(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    board.announce(hint(POD), own="scheduler")
    assert board.sent == []


def test_after_a_drain_the_next_reason_is_a_task_again(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    board.announce(hint(POD))
    assert board.settle("scheduler", board.mark("scheduler"), None) == 0
    board.announce(hint(POD))
    assert board.sent == ["scheduler", "scheduler"]


def test_what_came_during_the_drain_is_drained_by_it(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    board.announce(hint(POD))
    began = board.mark("scheduler")
    board.announce(hint(POD))  # after the drain has looked
    again = board.settle("scheduler", began, None)
    assert again > began
    assert board.sent == ["scheduler"]  # no second task: the drain goes on
    assert board.settle("scheduler", again, None) == 0


def test_a_redis_that_forgot_everything_makes_the_component_enlist_again(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    board.redis.flushall()
    assert board.settle("scheduler", 1, None) == -1


def test_deadlines_fire_once_when_they_have_come(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    board.enlist("kubelet.0", ["pods"])
    board.settle("scheduler", 0, 100.5)
    board.settle("kubelet.0", 0, 200.0)
    assert board.next_deadline() == 100.5
    board.fire(100.4)
    assert board.sent == []
    board.fire(100.5)
    board.fire(100.6)
    assert board.sent == ["scheduler"]
    assert board.next_deadline() == 200.0


def test_a_drain_without_deadline_takes_the_old_one_back(board: Board) -> None:
    board.enlist("scheduler", ["pods"])
    board.settle("scheduler", 0, 100.0)
    board.settle("scheduler", 0, None)
    assert board.next_deadline() is None


def test_the_timekeeper_is_told_of_an_earlier_deadline_only(board: Board) -> None:
    for name in ("a", "b", "c"):
        board.enlist(name, ["pods"])
    board.settle("a", 0, 100.0)
    with board.redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(board.timekeeper_channel)
        channel.get_message(timeout=1)
        board.settle("b", 0, 150.0)
        assert channel.get_message(timeout=0.05) is None
        board.settle("c", 0, 50.0)
        told = channel.get_message(timeout=1)
        assert told is not None
        assert told["data"] == "deadline"


def test_tailers_hear_what_changed(board: Board) -> None:
    with board.redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(board.hints_channel)
        channel.get_message(timeout=1)
        board.announce(hint(POD, kinds.CLOCKS.key("", "cluster"), revision=42))
        message = channel.get_message(timeout=1)
        assert message is not None
        tidings = Tidings.parse(message["data"])
    assert tidings.revision == 42
    assert tidings.resources == {"pods", "clocks.orrery.sim"}
    assert tidings.clock_changed
    assert board.announced() == 42


def test_two_clusters_on_one_redis_do_not_meet(board: Board, redis_url: str) -> None:
    sent: list[str] = []
    other = Switchboard("other", redis_url, sent.append)
    other.enlist("scheduler", ["pods"])
    board.announce(hint(POD))
    assert sent == []


def test_a_hint_without_redis_is_only_lost(caplog: pytest.LogCaptureFixture) -> None:
    nobody = Switchboard("test", "unix:///nowhere/valkey.sock", lambda _: None)
    nobody.announce(hint(POD))
    assert "hint for revision 7 lost" in caplog.text


def test_celery_spells_unix_sockets_its_own_way() -> None:
    assert celery_url("unix:///run/valkey.sock") == "redis+socket:///run/valkey.sock"
    assert celery_url("redis://host:6379/0") == "redis://host:6379/0"
