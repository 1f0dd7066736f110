"""Setting when somebody is there: a calendar with its week and its holidays, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from crm import handoff, hours
from crm.hours import Hours, Minutes
from crm.models import Calendar, Holiday, Period, User, Weekday
from crm.models.activity import log

SHOWN = 400  # days ahead in which a holiday is told


class Off(NamedTuple):
    """A day on which the week does not hold; closed where it has no minutes."""

    on: date
    name: str
    minutes: Minutes | None


def hours_of(calendar: Calendar, week: Sequence[Sequence[Minutes]], off: Iterable[Off]) -> Hours:
    """The calendar as it would be with this week and these holidays."""
    holidays = {day.on: (day.minutes,) if day.minutes else () for day in off}
    return Hours(calendar.name, calendar.time_zone, calendar.around_the_clock, week, holidays)


@transaction.atomic
def save(*, calendar: Calendar, week: Sequence[Sequence[Minutes]], off: Sequence[Off], by: User) -> Calendar:
    """Make or change a calendar. Raises NeverOpen where it has no hours; promises that run by it are reckoned again."""
    hours.next_open(hours_of(calendar, week, off), timezone.now())
    verb = "changed" if calendar.pk else "made"
    calendar.save()
    calendar.periods.all().delete()
    calendar.holidays.all().delete()
    Period.objects.bulk_create(
        [Period(calendar=calendar, weekday=n, opens=o, closes=c) for n, day in enumerate(week) for o, c in day]
    )
    Holiday.objects.bulk_create([_holiday(calendar, day) for day in off])
    log(verb, calendar, by=by)
    handoff.pass_on("hours_changed")
    return calendar


def _holiday(calendar: Calendar, day: Off) -> Holiday:
    opens, closes = day.minutes or (None, None)
    return Holiday(calendar=calendar, on=day.on, name=day.name, opens=opens, closes=closes)


# --- in words


def clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def day_in_words(periods: Iterable[Minutes]) -> str:
    return ", ".join(f"{clock(opens)}–{clock(closes)}" for opens, closes in periods)


def week_in_words(found: Hours) -> list[tuple[str, str]]:
    """(days, their hours): days that follow each other with the same hours share a line."""
    lines: list[tuple[list[str], str]] = []
    for day, periods in zip(Weekday, found.week, strict=True):
        said = day_in_words(periods) or gettext("closed")
        if lines and lines[-1][1] == said:
            lines[-1][0].append(str(day.label))
        else:
            lines.append(([str(day.label)], said))
    return [(days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}", said) for days, said in lines]


class Now(NamedTuple):
    """How it stands at a moment: open until when, or closed until when; neither is known for what never changes."""

    is_open: bool
    until: datetime | None


def now_of(found: Hours, at: datetime) -> Now:
    if hours.is_open(found, at):
        return Now(True, hours.next_close(found, at))
    try:
        return Now(False, hours.next_open(found, at))
    except hours.NeverOpen:
        return Now(False, None)


def coming(found: Hours, holidays: Mapping[date, str], today: date) -> list[tuple[date, str, str]]:
    """The holidays ahead, as (day, name, hours)."""
    ahead = sorted(day for day in found.holidays if today <= day <= today + timedelta(days=SHOWN))
    return [(day, holidays.get(day, ""), day_in_words(found.holidays[day]) or gettext("closed")) for day in ahead]
