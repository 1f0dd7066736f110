"""May they be called now? On the customer's own clock, by the calling hours of their country.

The clock is the one the customer named; else that of their country, where all of it keeps the same time (tzdata's
zone.tab); else that of the calendar. The days, hours and holidays are the calendar's. Where no calling hours are set,
people are called from nine to six on weekdays.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm import hours
from crm.hours import Hours, NeverOpen
from crm.models import Customer
from surveys.models import CallingHours

WEEKDAYS = (((9 * 60, 18 * 60),),) * 5 + ((),) * 2
A_YEAR_AND_MORE = range(0, 400, 10)  # days: a change of the clocks anywhere shows within


@dataclass(frozen=True)
class Window:
    """Whether they may be called, why as a finished sentence, what their clock says, and when they next may be.

    `next_at` is the moment itself where they may; None where their calendar has no hours at all.
    """

    now: bool
    why: str
    local: datetime
    next_at: datetime | None


@dataclass(frozen=True)
class Book:
    """All calling hours, read once: then reckoned with for as many customers as one likes without a query."""

    hours: dict[str, Hours] = field(default_factory=dict)
    _local: dict[tuple[str, str], Hours] = field(default_factory=dict, repr=False, compare=False)

    def of(self, customer: Customer) -> Hours:
        """The hours of their country on their own clock."""
        country = customer.country if customer.country in self.hours else ""
        found = self.hours.get(country) or Hours(zone=settings.TIME_ZONE, always=False, week=WEEKDAYS)
        zone = named(customer.time_zone) or zone_of(customer.country) or found.zone
        if (country, zone) not in self._local:
            self._local[country, zone] = replace(found, zone=zone, _days={})
        return self._local[country, zone]


def book() -> Book:
    """Two queries; one where no calling hours are set."""
    rows: dict[str, int] = dict(CallingHours.objects.values_list("country", "calendar"))
    loaded = hours.load(rows.values())
    return Book({country: loaded[calendar] for country, calendar in rows.items()})


def window(customer: Customer, now: datetime) -> Window:
    return look(book().of(customer), now)


def within(customer: Customer, at: datetime) -> datetime:
    """`at` where they may be called then, else when they next may. `at` where their calendar has no hours at all."""
    return window(customer, at).next_at or at


def next_window(customer: Customer, now: datetime) -> datetime:
    """When their hours begin again: not these, where they may be called now. Around the clock: a day later."""
    theirs = book().of(customer)
    try:
        closes = hours.next_close(theirs, now) if hours.is_open(theirs, now) else now
        return hours.next_open(theirs, closes) if closes else now + timedelta(days=1)
    except NeverOpen:
        return now + timedelta(days=1)


def look(theirs: Hours, now: datetime) -> Window:
    """No query."""
    local = now.astimezone(zoneinfo.ZoneInfo(theirs.zone))
    if hours.is_open(theirs, now):
        return Window(True, _("It is {time} there: they may be called.").format(time=f"{local:%H:%M}"), local, now)
    try:
        opens = hours.next_open(theirs, now)
    except NeverOpen as never:
        return Window(False, str(never), local, None)
    return Window(False, _closed(theirs, local, opens.astimezone(local.tzinfo)), local, opens)


def _closed(theirs: Hours, local: datetime, opens: datetime) -> str:
    facts = {"time": f"{local:%H:%M}", "day": date_format(opens, "l j F"), "at": f"{opens:%H:%M}"}
    if local.date() in theirs.holidays:
        return _("It is {time} there, on a holiday: call from {day}, {at} on.").format(**facts)
    if local.date() == opens.date():
        return _("It is {time} there: call from {at} on.").format(**facts)
    return _("It is {time} there: call from {day}, {at} on.").format(**facts)


# --- whose clock


def named(zone: str) -> str:
    """The zone where there is one of this name; a record may hold any word."""
    return zone if zone in _zones() else ""


@lru_cache(maxsize=300)
def zone_of(country: str) -> str:
    """The zone of a country all of which keeps the same time for the year to come; empty for others."""
    found = [zone for zone in _table().get(country.upper(), ()) if zone in _zones()]
    return found[0] if len({_year(zone) for zone in found}) == 1 else ""


def countries() -> frozenset[str]:
    """All of ISO 3166 that have a clock."""
    return frozenset(_table())


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@lru_cache(maxsize=1)
def _table() -> dict[str, list[str]]:
    """Country in ISO 3166 → its zones, the most populous first: zone.tab of the tz database."""
    table: dict[str, list[str]] = {}
    for line in resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text().splitlines():
        if line and not line.startswith("#"):
            country, _place, zone = line.split("\t")[:3]
            table.setdefault(country, []).append(zone)
    return table


def _year(zone: str) -> Sequence[timedelta | None]:
    there, today = zoneinfo.ZoneInfo(zone), datetime.now(UTC).replace(hour=12)
    return tuple((today + timedelta(days=day)).astimezone(there).utcoffset() for day in A_YEAR_AND_MORE)
