"""Cron schedules: `*/5 9-17 * * mon-fri`, `@hourly`, `@every 1h30m`.

Models github.com/robfig/cron/v3 (ParseStandard, SpecSchedule.Next), which upstream's CronJobs use.
Moments are seconds since the epoch; a schedule is read in a time zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
BOUNDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, MONTHS),
    (0, 6, DAYS),
)
DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
YEARS_AHEAD = 5  # a schedule that names no day within them never comes: `0 0 30 2 *`


class CronError(ValueError):
    """What is wrong with a schedule, in the parser's words."""


@dataclass(frozen=True, slots=True)
class Field:
    values: frozenset[int]
    star: bool  # not restricted


@dataclass(frozen=True, slots=True)
class Schedule:
    minutes: Field
    hours: Field
    days: Field
    months: Field
    weekdays: Field
    zone: tzinfo

    def next(self, after: float) -> float | None:
        """The first moment later than `after`; None when there is none within five years."""
        start = datetime.fromtimestamp(int(after) // 60 * 60 + 60, UTC)
        local = start.astimezone(self.zone)
        last = local.year + YEARS_AHEAD
        day = local.replace(hour=0, minute=0, fold=0)
        while day.year <= last:
            if day.month not in self.months.values:
                day = _first_of_next_month(day)
                continue
            if self._is_day(day):
                found = self._within(day, start)
                if found is not None:
                    return found
            day = _next_day(day)
        return None

    def _is_day(self, day: datetime) -> bool:
        """Day of month and day of week: either, when both are restricted."""
        of_month = day.day in self.days.values
        of_week = day.isoweekday() % 7 in self.weekdays.values
        if self.days.star or self.weekdays.star:
            return of_month and of_week
        return of_month or of_week

    def _within(self, day: datetime, start: datetime) -> float | None:
        """The first time of that day, at or after `start`; hours that the clock skips don't
        exist, and what it shows twice happens twice only for a schedule of every hour."""
        best: float | None = None
        for hour in sorted(self.hours.values):
            for minute in sorted(self.minutes.values):
                for fold in (0, 1) if self.hours.star else (0,):
                    wall = day.replace(hour=hour, minute=minute, fold=fold)
                    moment = wall.astimezone(UTC)
                    back = moment.astimezone(self.zone)
                    if (back.hour, back.minute) != (hour, minute) or moment < start:
                        continue
                    stamp = moment.timestamp()
                    best = stamp if best is None else min(best, stamp)
            if best is not None and not self.hours.star:
                return best
        return best


@dataclass(frozen=True, slots=True)
class Every:
    """`@every 90s`: at a fixed distance, whatever the clock says."""

    seconds: int

    def next(self, after: float) -> float | None:
        return float(int(after) + self.seconds)


def _first_of_next_month(day: datetime) -> datetime:
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return day.replace(year=year, month=month, day=1)


def _next_day(day: datetime) -> datetime:
    return (day.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=day.tzinfo)


def zone(name: str) -> tzinfo:
    """Raises CronError for a zone that does not exist."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CronError(f"unknown time zone {name}") from None


@lru_cache(maxsize=4096)
def parse(text: str, time_zone: str = "") -> Schedule | Every:
    """Raises CronError. A `TZ=` prefix goes before `time_zone`."""
    if not text:
        raise CronError("empty spec string")
    for prefix in ("CRON_TZ=", "TZ="):
        if text.startswith(prefix):
            name, _, text = text.removeprefix(prefix).partition(" ")
            text = text.strip()
            try:
                zone(name)
            except CronError as error:
                raise CronError(f"provided bad location {name}: {error}") from None
            time_zone = name
    if text.startswith("@"):
        return _descriptor(text, time_zone)
    parts = text.split()
    if len(parts) != len(BOUNDS):
        listed = " ".join(parts)
        raise CronError(f"expected exactly 5 fields, found {len(parts)}: [{listed}]")
    minutes, hours, days, months, weekdays = (
        _field(part, *bounds) for part, bounds in zip(parts, BOUNDS, strict=True)
    )
    return Schedule(minutes, hours, days, months, weekdays, zone(time_zone))


def _descriptor(text: str, time_zone: str) -> Schedule | Every:
    if text in DESCRIPTORS:
        return parse(DESCRIPTORS[text], time_zone)
    if text.startswith("@every "):
        duration = text.removeprefix("@every ")
        seconds = _duration(duration)
        if seconds is None:
            raise CronError(f'failed to parse duration {text}: time: invalid duration "{duration}"')
        return Every(max(1, int(seconds)))
    raise CronError(f"unrecognized descriptor: {text}")


def _duration(text: str) -> float | None:
    if not re.fullmatch(r"([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+", text):
        return None
    parts = re.findall(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)", text)
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def _field(text: str, low: int, high: int, names: dict[str, int]) -> Field:
    values: set[int] = set()
    star = False
    for part in text.split(","):
        if not part:
            continue
        found, is_star = _range(part, low, high, names)
        values |= found
        star = star or is_star
    return Field(frozenset(values), star)


def _range(text: str, low: int, high: int, names: dict[str, int]) -> tuple[set[int], bool]:
    """Models getRange: `*`, `a`, `a-b`, each with `/step`."""
    span, *steps = text.split("/")
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        first, last, star = low, high, True
    elif len(ends) > 2:
        raise CronError(f"too many hyphens: {text}")
    else:
        first, last, star = _number(ends[0], names), 0, False
        last = _number(ends[1], names) if len(ends) == 2 else first
    if len(steps) > 1:
        raise CronError(f"too many slashes: {text}")
    step = 1
    if steps:
        step = _number(steps[0], {})
        if len(ends) == 1 and not star:
            last = high
        star = star and step <= 1
    if first < low:
        raise CronError(f"beginning of range ({first}) below minimum ({low}): {text}")
    if last > high:
        raise CronError(f"end of range ({last}) above maximum ({high}): {text}")
    if first > last:
        raise CronError(f"beginning of range ({first}) beyond end of range ({last}): {text}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {text}")
    return set(range(first, last + 1, step)), star


def _number(text: str, names: dict[str, int]) -> int:
    if (found := names.get(text.lower())) is not None:
        return found
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise CronError(
            f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
        )
    number = int(text)
    if number < 0:
        raise CronError(f"negative number ({number}) not allowed: {text}")
    return number
