import pytest

from cluster.machinery.clock import (
    Anchor,
    LiveClock,
    VirtualClock,
    format_micro_time,
    format_time,
    parse_time,
)


def test_times_are_written_as_kubernetes_writes_them() -> None:
    assert format_time(1_767_225_600.9) == "2026-01-01T00:00:00Z"
    assert format_micro_time(1_767_225_600.25) == "2026-01-01T00:00:00.250000Z"
    assert format_micro_time(1_767_225_600.9999999) == "2026-01-01T00:00:01.000000Z"


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"])
def test_times_are_read_with_any_offset(text: str) -> None:
    assert parse_time(text) == 1_767_225_600


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock(100)
    clock.advance_to(90)
    assert clock.now() == 100


def test_an_anchor_maps_wall_to_cluster_time_and_back() -> None:
    anchor = Anchor(wall=1000, cluster=50, speed=10)
    assert anchor.at(1003) == 80
    assert anchor.wall_at(80) == 1003
    assert Anchor(1000, 50, speed=0).wall_at(80) is None
    assert Anchor(1000, 50, speed=0).at(2000) == 50


def test_a_live_clock_does_not_go_back_when_it_is_anchored_earlier() -> None:
    clock = LiveClock(Anchor(0, 5000, 0))
    assert clock.now() == 5000
    clock.set_anchor(Anchor(0, 4000, 0))
    assert clock.now() == 5000
    clock.set_anchor(Anchor(0, 6000, 0))
    assert clock.now() == 6000
