"""Cron schedules, as CronJobs read them."""

from __future__ import annotations

import pytest

from cluster.machinery import cron
from cluster.machinery.clock import format_time, parse_time

START = "2026-01-01T00:00:00Z"  # a Thursday


def following(text: str, after: str = START, zone: str = "", count: int = 3) -> list[str]:
    schedule, moment, out = cron.parse(text, zone), parse_time(after), []
    for _ in range(count):
        found = schedule.next(moment)
        assert found is not None
        moment = found
        out.append(format_time(moment)[5:16])
    return out


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("* * * * *", ["01-01T00:01", "01-01T00:02", "01-01T00:03"]),
        ("*/20 * * * *", ["01-01T00:20", "01-01T00:40", "01-01T01:00"]),
        ("5/20 3 * * *", ["01-01T03:05", "01-01T03:25", "01-01T03:45"]),
        ("30 6,18 * * *", ["01-01T06:30", "01-01T18:30", "01-02T06:30"]),
        ("0 9-10 * * mon-fri", ["01-01T09:00", "01-01T10:00", "01-02T09:00"]),
        ("0 0 * * SUN", ["01-04T00:00", "01-11T00:00", "01-18T00:00"]),
        ("0 0 13 * 5", ["01-02T00:00", "01-09T00:00", "01-13T00:00"]),
        ("0 0 31 * *", ["01-31T00:00", "03-31T00:00", "05-31T00:00"]),
        ("0 0 29 2 ?", ["02-29T00:00"]),
        ("@hourly", ["01-01T01:00", "01-01T02:00", "01-01T03:00"]),
        ("@monthly", ["02-01T00:00", "03-01T00:00", "04-01T00:00"]),
        ("@weekly", ["01-04T00:00", "01-11T00:00", "01-18T00:00"]),
        ("@every 1h30m", ["01-01T01:30", "01-01T03:00", "01-01T04:30"]),
    ],
)
def test_what_comes_next(text: str, moments: list[str]) -> None:
    assert following(text, count=len(moments)) == moments


def test_a_schedule_is_read_in_its_time_zone() -> None:
    assert following("0 9 * * *", zone="America/New_York")[0] == "01-01T14:00"
    assert following("TZ=Asia/Tokyo 0 9 * * *") == following("0 9 * * *", zone="Asia/Tokyo")


def test_an_hour_that_the_clock_skips_does_not_come_and_one_it_repeats_comes_once() -> None:
    spring, autumn = "2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"
    assert following("30 2 * * *", spring, "Europe/Berlin", 1) == ["03-30T00:30"]
    assert following("30 2 * * *", autumn, "Europe/Berlin", 2) == ["10-25T00:30", "10-26T01:30"]


def test_a_day_that_never_comes() -> None:
    assert cron.parse("0 0 31 2 *").next(parse_time(START)) is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("@soon", "unrecognized descriptor: @soon"),
    ],
)
def test_what_is_wrong_is_said_in_the_parsers_words(text: str, error: str) -> None:
    with pytest.raises(cron.CronError) as caught:
        cron.parse(text)
    assert str(caught.value) == error
