"""The clock of a request to a group: when its answer is due, and who hears that it is.

Two weeks are calendar days, so that a customer can be told a day. The answer is due at the end of that day: when the
group closes then, or on the next day on which it is open at all. While the group waits for an answer to what it asked
back the clock stands: as much of its open time is left afterwards as was left before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import DateTimeField, F, Func, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from crm import hours, notices
from crm.models import Calendar, SupportGroup, User
from crm.models.activity import Activity
from surveys.models import GroupRequest, OutreachSettings
from surveys.models.requests import GroupRequestQuerySet
from surveys.outreach import request_news

BATCH = 200
REMINDERS = (7, 3)  # days before the day on which it is due


def due(calendar: hours.Open, asked_at: datetime, days: int) -> datetime:
    """When a group closes on the day that is `days` calendar days after `asked_at`, or on its next open day.

    Days are those of the calendar's zone; without a calendar, of UTC, and the day ends at midnight. One that has no
    hours for years cannot put a clock out of order: it counts as none.
    """
    open_ = _hours(calendar)
    zone = ZoneInfo(open_.zone)
    try:
        first = hours.next_open(open_, _midnight(asked_at.astimezone(zone).date() + timedelta(days), zone))
    except hours.NeverOpen:
        return due(None, asked_at, days)
    end = _midnight(first.astimezone(zone).date() + timedelta(1), zone)
    return hours.after(open_, first, hours.between(open_, first, end))


def _hours(calendar: hours.Open) -> hours.Hours:
    return hours.Hours.of(calendar) if isinstance(calendar, Calendar) else calendar or hours.ALWAYS


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def moved_on(calendar: hours.Open, due_at: datetime, stood_since: datetime, now: datetime) -> datetime:
    """When it is due after the clock stood: later by as much open time as has passed meanwhile."""
    open_ = _hours(calendar)
    try:
        return max(due_at, hours.after(open_, due_at, hours.between(open_, stood_since, now)))
    except hours.NeverOpen:
        return due_at + max(now - stood_since, timedelta())


# --- by the clock


def remind(now: datetime) -> int:
    """Whatever has come to be said: reminders to members 7 and 3 days ahead, and once to those above when it is due.

    In batches that each are a transaction with a fixed number of queries; run twice, or broken off and run again, each
    is said once. Who hears the later reminder does not hear the earlier one too. Returns how often something was said.
    """
    said = _in_batches(partial(_escalate, now))
    for number, days in reversed(list(enumerate(REMINDERS, start=1))):
        said += _in_batches(partial(_remind, now, number, days))
    return said


def _in_batches(step: Callable[[], int]) -> int:
    said = done = step()
    while done == BATCH:
        said += (done := step())
    return said


@transaction.atomic
def _remind(now: datetime, number: int, days: int) -> int:
    """Those of which the day is `days` days ahead, or nearer; what was asked today needs no reminder."""
    running = GroupRequest.objects.waiting().filter(asked_back_at=None, reminded__lt=number, due_at__gt=now)
    near = running.filter(due_at__lte=now + timedelta(days=days + 1), asked_at__lt=now - timedelta(days=1))
    found = _locked(near.alias(until=_end_of_day(now + timedelta(days=days))).filter(due_at__lte=F("until")))
    GroupRequest.objects.filter(pk__in=[each.pk for each in found]).update(reminded=number)
    said = _("Request #%(request)d to %(group)s waits for an answer until %(day)s.")
    _tell(found, members_of({each.group for each in found}), said)
    return len(found)


@transaction.atomic
def _escalate(now: datetime) -> int:
    found = _locked(GroupRequest.objects.overdue(now).filter(escalated_at=None))
    GroupRequest.objects.filter(pk__in=[each.pk for each in found]).update(escalated_at=now)
    said = _("%(group)s has not answered request #%(request)d, which was due on %(day)s.")
    _tell(found, above({each.group for each in found}), said)
    lines = [
        Activity(verb="escalated", subject_kind=GroupRequest._meta.label_lower, subject_id=each.pk) for each in found
    ]
    Activity.objects.bulk_create(lines)
    request_news.changed(found)
    return len(found)


def _end_of_day(at: datetime) -> Func:
    """Of the day of `at` on the clocks of each request's group, reckoned by the database.

    For an alias: within a filter the calendar would be joined so that groups without one are left out.
    """
    zone = Coalesce(F("group__calendar__time_zone"), Value("UTC"))
    tomorrow = Value(at + timedelta(days=1), DateTimeField())
    return Func(Value("day"), tomorrow, zone, function="date_trunc", output_field=DateTimeField())


def _locked(found: GroupRequestQuerySet) -> list[GroupRequest]:
    """A batch of them; what somebody answers at this moment, or another clock tells of, is passed over."""
    rows = found.select_related("group__owner", "group__calendar", "attempt").order_by("due_at", "id")
    return list(rows.select_for_update(of=("self",), skip_locked=True)[:BATCH])


def _tell(found: Sequence[GroupRequest], hearing: Mapping[int, Iterable[int]], said: str) -> None:
    """`hearing`: pk of a group → pks of those who are told of what it is asked."""
    notices.tell_each(
        request_news.word(user, each, said % _facts(each)) for each in found for user in hearing[each.group_id]
    )


def _facts(request: GroupRequest) -> dict[str, object]:
    return {"request": request.pk, "group": request.group, "day": f"{last_day(request):%Y-%m-%d}"}


def zone_of(request: GroupRequest) -> ZoneInfo:
    """Whose days are counted: those of its group. Asks for the group with its calendar."""
    return ZoneInfo(request.group.calendar.time_zone if request.group.calendar else "UTC")


def last_day(request: GroupRequest) -> date:
    """The day until whose end it can be answered in time: midnight is the end of the day before."""
    return (request.due_at - timedelta(seconds=1)).astimezone(zone_of(request)).date()


# --- who hears


def members_of(groups: Collection[SupportGroup]) -> dict[int, set[int]]:
    """Pk of each group → those of its members who work here; where there is none, who stands above it."""
    rows = SupportGroup.members.through.objects.filter(supportgroup__in=groups, user__is_active=True)
    found: dict[int, set[int]] = {group.pk: set() for group in groups}
    for group, user in rows.values_list("supportgroup", "user"):
        found[group].add(user)
    empty = [group for group in groups if not found[group.pk]]
    return found | (above(empty) if empty else {})


def above(groups: Collection[SupportGroup]) -> dict[int, set[int]]:
    """Pk of each group → who answers for it, and the head; where neither is here any more, all who lead."""
    head = OutreachSettings.current().escalate_to
    found = {group.pk: {user.pk for user in (group.owner, head) if user and user.is_active} for group in groups}
    if all(found.values()):
        return found
    leading = set(User.objects.who_lead().values_list("pk", flat=True))
    return {group: users or leading for group, users in found.items()}
