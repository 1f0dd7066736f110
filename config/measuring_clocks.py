"""Working time counted off on the wall clock, second by second where it matters: slow, simple, and not by crm.hours.

It knows nothing of offsets and their changes. It asks `zoneinfo` what the wall clock says at an instant, and looks
whether somebody is there then. Whether somebody is there can change only where the wall clock shows a whole minute
that opens or closes, or where the clocks change; both fall on whole minutes of UTC in every zone used here, so each
minute of UTC is open or closed as a whole, and the rest of the first and of the last are counted in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from crm import hours
from crm.hours import Hours

ZONES = (
    "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "UTC",
    "America/St_Johns", "Pacific/Apia", "Africa/Casablanca",
)  # fmt: skip
# near which something happens: clocks put forward and back, at two, at midnight and a minute after it, a day left out
NEAR = {
    "Europe/Madrid": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "America/Sao_Paulo": ("2018-02-18T02:00", "2018-11-04T03:00"),
    "America/St_Johns": ("2010-03-14T03:31", "2010-11-07T02:31"),
    "Pacific/Apia": ("2011-12-30T10:00", "2012-03-31T14:00"),
    "Africa/Casablanca": ("2026-02-15T02:00", "2026-03-22T02:00"),
}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Case:
    """What is asked: a calendar as plain values, from when, and how much or until when."""

    zone: str
    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: dict[date, tuple[tuple[int, int], ...]]
    start: datetime
    seconds: int
    end: datetime
    hours: Hours = field(init=False)

    def __post_init__(self) -> None:
        made = Hours("Random", self.zone, always=False, week=self.week, holidays=self.holidays)
        object.__setattr__(self, "hours", made)

    def is_open(self, at: datetime) -> bool:
        wall = at.astimezone(ZoneInfo(self.zone))
        minute = wall.hour * 60 + wall.minute
        periods = self.holidays.get(wall.date(), self.week[wall.weekday()])
        return any(opens <= minute < closes for opens, closes in periods)


def minutes(start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """(begin, end) of each minute of UTC from `start` on, the first cut where it begins."""
    at = start
    while True:
        following = at.replace(second=0, microsecond=0) + MINUTE
        yield at, following
        at = following


def between(case: Case, start: datetime, end: datetime) -> int:
    total = 0
    for begin, following in minutes(start):
        if begin >= end:
            return total
        if case.is_open(begin):
            total += int((min(following, end) - begin).total_seconds())
    raise AssertionError


def after(case: Case, start: datetime, seconds: int, *, days: int = 30) -> datetime | None:
    """None where it takes longer than `days`: nothing is said of that."""
    if seconds == 0:
        return start
    for begin, following in minutes(start):
        if begin - start > timedelta(days=days):
            return None
        if case.is_open(begin):
            length = int((following - begin).total_seconds())
            if seconds <= length:
                return begin + timedelta(seconds=seconds)
            seconds -= length
    raise AssertionError


def random_day(chance: random.Random) -> tuple[tuple[int, int], ...]:
    """Up to three periods that do not overlap; often one whose edge lies within the hour that comes twice."""
    if chance.random() < 0.15:
        return ((0, 1440),)
    if chance.random() < 0.3:
        edge = chance.choice((0, 1, 30, 90, 105, 120, 135, 150, 180, 1380, 1410))
        return ((0, edge),) if edge and chance.random() < 0.5 else ((edge, chance.randint(edge + 1, 1440)),)
    edges = sorted(chance.sample(range(1441), 2 * chance.randint(0, 3)))
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def random_start(chance: random.Random, zone: str) -> datetime:
    if zone in NEAR and chance.random() < 0.6:
        near = datetime.fromisoformat(chance.choice(NEAR[zone])).replace(tzinfo=UTC)
        return near + timedelta(seconds=chance.randint(-30 * 3600, 30 * 3600))
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 365 * 86_400))


def random_case(chance: random.Random) -> Case:
    zone = chance.choice(ZONES)
    start = random_start(chance, zone)
    holidays = {
        (start + timedelta(days=chance.randint(-2, 5))).date(): random_day(chance)[:1] if chance.random() < 0.4 else ()
        for _ in range(chance.randint(0, 3))
    }
    seconds = chance.choice((0, 1, 59, 60, 3600, chance.randint(1, 20 * 3600)))
    end = start + timedelta(seconds=chance.choice((0, 1, 59, 3600, chance.randint(1, 4 * 86_400))))
    return Case(zone, tuple(random_day(chance) for _ in range(7)), holidays, start, seconds, end)


def disagreement(case: Case) -> str:
    """What crm.hours says otherwise than the wall clock; empty where both agree to the second."""
    due = after(case, case.start, case.seconds)
    answers: dict[str, tuple[object, object]] = {
        "open": (hours.is_open(case.hours, case.start), case.is_open(case.start)),
        "between": (hours.between(case.hours, case.start, case.end), between(case, case.start, case.end)),
    }
    if due is not None:
        answers["after"] = (hours.after(case.hours, case.start, case.seconds), due)
    return "; ".join(f"{name}: {said}, but is {true}: {case}" for name, (said, true) in answers.items() if said != true)
