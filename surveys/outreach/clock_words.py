"""How the clock of a request stands, in words: how many days are left, since when it is late, or why it stands still.

Days are those of the group, as in its reminders: everybody is told the same day, wherever they read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import User
from surveys.models import GroupRequest
from surveys.outreach import clock

RUNS, SOON, LATE, STANDS, ANSWERED, WITHDRAWN = "runs", "soon", "late", "stands", "answered", "withdrawn"
SOON_DAYS = clock.REMINDERS[-1]  # those of the last reminder


@dataclass(frozen=True)
class Standing:
    """`state` is one of the names above; `words` read after nothing, as a line of their own."""

    state: str
    words: str


def standing(request: GroupRequest, reader: User, now: datetime) -> Standing:
    """As this person reads it. Without a query where the request came with `with_people()`."""
    if request.withdrawn_at:
        return Standing(WITHDRAWN, _("withdrawn"))
    if request.answer:
        return Standing(ANSWERED, _("answered by {who}").format(who=_named(request.answer.by, reader)))
    if request.asked_back_at:
        return Standing(STANDS, _stands(request, reader))
    if now >= request.due_at:
        return Standing(LATE, _late(request, now))
    days = _days(now, request)
    return Standing(SOON if days <= SOON_DAYS else RUNS, _left(request, days, now))


def _named(who: User | None, reader: User) -> str:
    return _("you") if who == reader else str(who)


def _stands(request: GroupRequest, reader: User) -> str:
    asking, asked = request.asked_back_by, request.attempt.by
    if asking == reader:
        return _("stands still: you asked {asked}").format(asked=asked.first_name or asked)
    if asked == reader:
        return _("stands still: {asking} asked you").format(asking=asking)
    return _("stands still: {asking} asked {asked}").format(asking=asking, asked=asked)


# --- while it runs


def _days(now: datetime, request: GroupRequest) -> int:
    return (clock.last_day(request) - now.astimezone(clock.zone_of(request)).date()).days


def _left(request: GroupRequest, days: int, now: datetime) -> str:
    if days <= 0:
        return _("due today, until {time}").format(time=_hour(request.due_at, clock.zone_of(request)))
    day = _day(clock.last_day(request), now)
    if days == 1:
        return _("1 day left, until tomorrow, {day}").format(day=day)
    return ngettext("%(n)d day left, until %(day)s", "%(n)d days left, until %(day)s", days) % {"n": days, "day": day}


def _late(request: GroupRequest, now: datetime) -> str:
    """From the second day on in days: the first is over before a whole one is."""
    days = -_days(now, request)
    if days <= 0:
        return _("overdue since {time} today").format(time=_hour(request.due_at, clock.zone_of(request)))
    said = ngettext("%(n)d day overdue, was due %(day)s", "%(n)d days overdue, was due %(day)s", days)
    return said % {"n": days, "day": _day(clock.last_day(request), now)}


def _day(day: date, now: datetime) -> str:
    """ "Friday 4 December", with its year where that is not this one."""
    return date_format(day, "l j F" if day.year == now.year else "l j F Y")


def _hour(at: datetime, zone: ZoneInfo) -> str:
    """On the group's clock, which is named where the reader's own says something else."""
    there, here = at.astimezone(zone), timezone.localtime(at)
    said = f"{there:%H:%M}" if there.hour or there.minute else _("midnight")
    return said if there.utcoffset() == here.utcoffset() else f"{said} ({zone.key})"
