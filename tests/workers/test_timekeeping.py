"""The timekeeper, and the cluster's time across a restart."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cluster.apiserver.registry import Registry
from cluster.client import Client, kinds
from cluster.etcd.memory import MemoryStore
from cluster.machinery.clock import Anchor, LiveClock, VirtualClock
from cluster.machinery.entropy import Entropy
from tests.workers.conftest import Board
from workers.savedtime import INTERVAL, resume_time, save_time
from workers.timekeeper import Timekeeper
from workers.wiring import Live

SCHEDULER, MANAGER, KUBELET = "scheduler", "controller-manager", "kubelet.0"


@pytest.fixture
def live(board: Board) -> Live:
    store, clock = MemoryStore(), LiveClock()
    registry = Registry(store, clock, Entropy(1))
    return cast(Live, SimpleNamespace(store=store, clock=clock, registry=registry, board=board))


@pytest.fixture
def keeper(live: Live, tmp_path: Path) -> Any:
    return Timekeeper(live, tmp_path / "clock")


def test_it_sleeps_until_the_earliest_deadline_at_the_clusters_pace(
    live: Live, keeper: Any
) -> None:
    live.board.enlist(SCHEDULER, ["pods"])
    now = time.time()
    live.clock.set_anchor(Anchor(now, 1000.0, 100.0))
    keeper._look_at = time.monotonic() + 60
    live.board.settle(SCHEDULER, 0, 1000.0 + 40.0)
    assert keeper._wait() == pytest.approx(0.4, abs=0.05)


def test_while_paused_no_deadline_comes(live: Live, keeper: Any) -> None:
    live.board.enlist(SCHEDULER, ["pods"])
    live.clock.set_anchor(Anchor(time.time(), 1000.0, 0.0))
    keeper._look_at = time.monotonic() + 60
    live.board.settle(SCHEDULER, 0, 1001.0)
    assert keeper._wait() == pytest.approx(60, abs=1)


def test_a_lost_task_is_sent_again(board: Board, keeper: Any) -> None:
    board.wake(SCHEDULER)
    board.sent.clear()  # the broker lost it
    keeper._resend()
    assert board.sent == []  # it may still be under way
    keeper._resend()
    assert board.sent == [SCHEDULER]


def test_a_lost_hint_wakes_everyone(live: Live, board: Board, keeper: Any) -> None:
    Client(live.registry, "somebody").do_create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    )
    keeper._compare()
    assert board.sent == []  # it may still be under way
    keeper._compare()
    assert board.sent == [SCHEDULER, MANAGER, KUBELET]
    board.sent.clear()
    keeper._compare()
    keeper._compare()
    assert board.sent == []


def test_store_leases_expire(live: Live, keeper: Any) -> None:
    live.store.grant(5, live.clock.now() - 10)
    keeper._look_after_the_rest()
    assert live.store.leases() == []


# ---- the note


class Cluster:
    def __init__(self) -> None:
        self.clock = VirtualClock(5000.0)
        self.registry = Registry(MemoryStore(), self.clock, Entropy(1))
        self.client = Client(self.registry, "somebody")
        body = {"apiVersion": "orrery.sim/v1", "kind": "Clock", "metadata": {"name": "cluster"}}
        self.client.do_create({**body, "spec": {"speed": 100, "paused": False}})

    def anchor(self) -> Anchor:
        found = self.client.get(kinds.CLOCKS, "", "cluster")
        return Anchor(**found["status"]["anchor"])


def test_time_goes_on_where_it_stopped(tmp_path: Path) -> None:
    cluster = Cluster()
    save_time(tmp_path / "clock", Anchor(0.0, 0.0, 100.0), 7777.5, stopped=True)
    resume_time(cluster.client, tmp_path / "clock")
    assert cluster.anchor().cluster == 7777.5
    assert cluster.anchor().speed == 100.0
    assert cluster.anchor().wall == pytest.approx(time.time(), abs=5)


def test_after_a_kill_it_goes_on_later_rather_than_earlier(tmp_path: Path) -> None:
    cluster = Cluster()
    save_time(tmp_path / "clock", Anchor(0.0, 0.0, 100.0), 7777.5)
    resume_time(cluster.client, tmp_path / "clock")
    assert cluster.anchor().cluster == 7777.5 + INTERVAL * 100


def test_half_a_note_is_as_good_as_none(tmp_path: Path) -> None:
    cluster = Cluster()
    before = cluster.anchor()
    (tmp_path / "clock").write_text('{"clus')
    resume_time(cluster.client, tmp_path / "clock")
    assert cluster.anchor() == before
