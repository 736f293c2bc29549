"""A plugin of one's own at the points between the choice of a node and the bound pod."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.scheduler.framework import (
    Code,
    CycleState,
    Pending,
    PermitPlugin,
    PostBindPlugin,
    PreBindPlugin,
    ReservePlugin,
    Status,
)
from cluster.scheduler.plugins import PLUGINS
from tests.scheduler.harness import Harness, node, pod

ON = {"profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "Diary"}]}}}]}


class Diary(ReservePlugin, PermitPlugin, PreBindPlugin, PostBindPlugin):
    """Writes down what it is asked and answers as it is told."""

    name = "Diary"
    said: list[str] = []
    permits: Status | None = None
    binds: Status | None = None

    def reserve(self, state: CycleState, pod: Pending, node: str) -> Status | None:
        self.said.append("reserve")
        return None

    def unreserve(self, state: CycleState, pod: Pending, node: str) -> None:
        self.said.append("unreserve")

    def permit(self, state: CycleState, pod: Pending, node: str) -> Status | None:
        self.said.append("permit")
        return Diary.permits

    def pre_bind(self, state: CycleState, pod: Pending, node: str) -> Status | None:
        self.said.append("pre_bind")
        return Diary.binds

    def post_bind(self, pod: Pending, node: str) -> None:
        self.said.append(f"post_bind {node}")


@pytest.fixture
def diary() -> Iterator[type[Diary]]:
    PLUGINS["Diary"] = Diary
    Diary.said, Diary.permits, Diary.binds = [], None, None
    yield Diary
    del PLUGINS["Diary"]


def small() -> Harness:
    h = Harness(ON)
    h.add(node("n1", "1"), pod("web", "1"))
    return h


def test_the_points_come_in_order(diary: type[Diary]) -> None:
    h = small()
    h.settle()
    assert diary.said == ["reserve", "permit", "pre_bind", "post_bind n1"]


def test_a_refusal_unreserves_and_gives_the_room_back(diary: type[Diary]) -> None:
    diary.binds = Status(Code.UNSCHEDULABLE, ("not today",), "Diary")
    h = small()
    h.settle()
    assert diary.said == ["reserve", "permit", "pre_bind", "unreserve"]
    assert h.why("web") == "not today"
    assert not h.scheduler.cache.pods


def test_a_waiting_pod_holds_its_room_until_it_is_allowed(diary: type[Diary]) -> None:
    diary.permits = Status(Code.WAIT, timeout=30)
    h = small()
    h.settle()
    h.add(pod("other", "1"))
    h.settle()
    assert (h.where("web"), h.where("other")) == ("", "")
    h.scheduler.binder.allow("default/web", "Diary")
    h.settle()
    assert h.where("web") == "n1"


def test_a_waiting_pod_that_nobody_allows_is_rejected_in_time(diary: type[Diary]) -> None:
    diary.permits = Status(Code.WAIT, timeout=30)
    h = small()
    h.advance(31)
    assert h.why("web") == "rejected due to timeout after waiting at plugin Diary"
    assert "unreserve" in diary.said


def test_a_waiting_pod_that_is_deleted_gives_its_room_back(diary: type[Diary]) -> None:
    diary.permits = Status(Code.WAIT, timeout=30)
    h = small()
    h.settle()
    h.delete_pod("web")
    h.settle()
    assert not h.scheduler.cache.pods
    assert h.scheduler.next_deadline() is None
