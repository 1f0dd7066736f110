"""Working time: when somebody is there, when so much of it will have passed, and how much has.

The open instants of a calendar are exactly those whose wall time in its zone lies in [opens, closes) of that local
day's periods; a holiday replaces its day. So a wall time that a change of the clocks skips does not exist, and one that
it repeats counts twice. Everything is reckoned in whole seconds since 1970; a part of a second is dropped.

A channel that promises hours, a person's shift and a group's all ask here. `None` and a calendar that is open around
the clock stand for every instant.
"""

from __future__ import annotations

import contextlib
import itertools
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models.hours import Calendar, Holiday, Period

DAY = 86_400
HORIZON = 800  # days without an open second after which nobody will come: more than two years
PROBE = 3 * 3_600  # no zone changes its clocks twice within so many seconds
EPOCH = date(1970, 1, 1)
Span = tuple[int, int]  # seconds since 1970; the second is not part of it
Minutes = tuple[int, int]


class NeverOpen(Refused):
    sentence = _("“{calendar}” has no hours in the next two years, so nothing can be promised by it. Give it hours.")


@dataclass(frozen=True)
class Hours:
    """A calendar as a value: asked for once, then reckoned with as often as one likes without a query."""

    name: str = ""
    zone: str = "UTC"
    always: bool = True
    week: Sequence[Sequence[Minutes]] = ((),) * 7
    holidays: Mapping[date, Sequence[Minutes]] = field(default_factory=dict)
    _days: dict[int, list[Span]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, calendar: Calendar) -> Hours:
        """With its periods and holidays: one query."""
        return load([calendar.pk])[calendar.pk]

    def on(self, day: date) -> Sequence[Minutes]:
        """The periods of a local day, in minutes of its wall clock."""
        found = self.holidays.get(day)
        return self.week[day.weekday()] if found is None else found

    def spans(self, day: int) -> list[Span]:
        """The open time within the day of UTC that is `day` days after 1970, in order and apart."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = _joined(self._pieces(day * DAY, (day + 1) * DAY))
        return found

    def _pieces(self, begin: int, end: int) -> Iterator[Span]:
        """Between two changes of the clocks wall time runs as UTC does, only shifted: each such stretch by itself."""
        for start, stop, offset in _stretches(self.zone, begin, end):
            for number in range((start + offset) // DAY, (stop - 1 + offset) // DAY + 1):
                midnight = number * DAY - offset
                for opens, closes in self.on(EPOCH + timedelta(days=number)):
                    first, last = max(start, midnight + opens * 60), min(stop, midnight + closes * 60)
                    if first < last:
                        yield first, last

    def from_(self, start: int) -> Iterator[Span]:
        """Every open stretch from `start` on, cut where a day of UTC ends. Raises NeverOpen where no more will come."""
        day, empty = start // DAY, 0
        while empty < HORIZON:
            spans = [(max(first, start), last) for first, last in self.spans(day) if last > start]
            yield from spans
            day, empty = day + 1, 0 if spans else empty + 1
        raise NeverOpen(calendar=self.name)


ALWAYS = Hours()
Open = Calendar | Hours | None


def is_open(calendar: Open, at: datetime) -> bool:
    hours, second = _hours(calendar), _second(at)
    return hours.always or any(first <= second < last for first, last in hours.spans(second // DAY))


def after(calendar: Open, start: datetime, seconds: int) -> datetime:
    """The first moment at which `seconds` of open time have passed since `start`. Raises NeverOpen."""
    hours, begin = _hours(calendar), _second(start)
    if hours.always or seconds <= 0:
        return _moment(begin + max(seconds, 0))
    for first, last in hours.from_(begin):
        if seconds <= last - first:
            return _moment(first + seconds)
        seconds -= last - first
    raise NeverOpen(calendar=hours.name)


def between(calendar: Open, start: datetime, end: datetime) -> int:
    """How many seconds of open time lie in [start, end); none where it ends before it begins."""
    hours, begin, stop = _hours(calendar), _second(start), _second(end)
    if hours.always or stop <= begin:
        return max(0, stop - begin)
    days = range(begin // DAY, (stop - 1) // DAY + 1)
    spans = (span for day in days for span in hours.spans(day))
    return sum(max(0, min(last, stop) - max(first, begin)) for first, last in spans)


def next_open(calendar: Open, at: datetime) -> datetime:
    """`at` where it is open then, else when it opens. Raises NeverOpen."""
    hours, second = _hours(calendar), _second(at)
    return _moment(second if hours.always else next(hours.from_(second))[0])


def next_close(calendar: Open, at: datetime) -> datetime | None:
    """When it closes, from an open moment on; None where it does not within `HORIZON` days."""
    hours, begin = _hours(calendar), _second(at)
    if hours.always:
        return None
    reached = begin
    with contextlib.suppress(NeverOpen):
        for first, last in hours.from_(begin):
            if first > reached or reached - begin > HORIZON * DAY:
                break
            reached = last
    return None if reached - begin > HORIZON * DAY else _moment(reached)


def load(calendars: Iterable[int]) -> dict[int, Hours]:
    """The hours of these calendars: one query, none for none."""
    pks = set(calendars)
    if not pks:
        return {}
    periods = Period.objects.filter(calendar=OuterRef("pk")).order_by("weekday", "opens")
    holidays = Holiday.objects.filter(calendar=OuterRef("pk")).order_by("on")
    found = Calendar.objects.filter(pk__in=pks).annotate(
        week=ArraySubquery(periods.values(row=JSONObject(weekday="weekday", opens="opens", closes="closes"))),
        days=ArraySubquery(holidays.values(row=JSONObject(on="on", opens="opens", closes="closes"))),
    )
    rows = found.values_list("pk", "name", "time_zone", "around_the_clock", "week", "days")
    return {pk: Hours(name, zone, always, _week(week), _holidays(days)) for pk, name, zone, always, week, days in rows}


def _week(periods: Sequence[Mapping[str, int]]) -> tuple[tuple[Minutes, ...], ...]:
    return tuple(tuple((p["opens"], p["closes"]) for p in periods if p["weekday"] == day) for day in range(7))


def _holidays(rows: Sequence[Mapping[str, str | int | None]]) -> dict[date, tuple[Minutes, ...]]:
    own = {row["on"]: (row["opens"], row["closes"]) for row in rows}
    return {
        date.fromisoformat(str(on)): () if opens is None or closes is None else ((int(opens), int(closes)),)
        for on, (opens, closes) in own.items()
    }


def _hours(calendar: Open) -> Hours:
    if isinstance(calendar, Hours):
        return calendar
    return ALWAYS if calendar is None or calendar.around_the_clock else Hours.of(calendar)


def _second(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _joined(pieces: Iterable[Span]) -> list[Span]:
    """In order, and those that touch as one."""
    joined: list[Span] = []
    for first, last in sorted(pieces):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def _stretches(zone: str, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(start, stop, offset from UTC in seconds), cut where the clocks of `zone` change."""
    changes = _changes(zone, begin // DAY // 365)
    inside = [at for at in changes if begin < at < end]
    for start, stop in itertools.pairwise([begin, *inside, end]):
        yield start, stop, _offset(zone, start)


@lru_cache(maxsize=4096)
def _changes(zone: str, year: int) -> tuple[int, ...]:
    """The seconds at which the clocks of `zone` change within the `year`th 365 days after 1970, and a day more."""
    found, at, last = [], year * 365 * DAY, (year + 1) * 365 * DAY + DAY
    before = _offset(zone, at - PROBE)
    at -= PROBE
    while at < last:
        following = _offset(zone, at + PROBE)
        if following != before:
            found.append(_change(zone, at, at + PROBE))
        before, at = following, at + PROBE
    return tuple(found)


def _change(zone: str, before: int, behind: int) -> int:
    """The first second of the new offset."""
    old = _offset(zone, before)
    while behind - before > 1:
        middle = (before + behind) // 2
        before, behind = (middle, behind) if _offset(zone, middle) == old else (before, middle)
    return behind


def _offset(zone: str, second: int) -> int:
    moment = datetime.fromtimestamp(second, zoneinfo.ZoneInfo(zone))
    offset = moment.utcoffset() or timedelta()
    return int(offset.total_seconds())
