"""Putting a case aside until a moment: it comes back by itself, or when something happens in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import assignment, deeds, live, promises, told
from cases.models import Case
from cases.models.states import NEEDS_US
from channels_app.models import Message
from crm import notices
from crm.errors import Refused
from crm.models import Activity, Notice, User
from crm.models.activity import log

LONGEST = timedelta(days=366)
FROM = (*NEEDS_US, Case.State.WAITING)
MORNING, AFTERNOON = time(9), time(16)
BATCH = 500


class InThePast(Refused):
    sentence = _("Choose a moment that is still to come.")


class TooFar(Refused):
    sentence = _("A case can be snoozed for a year at most.")


class CannotSnooze(Refused):
    sentence = _("This case is {state}, so there is nothing to snooze.")


class NotSnoozed(Refused):
    sentence = _("This case is not snoozed any more.")


class SomebodyElses(Refused):
    sentence = _("Only {owner}, who has this case, or a lead can snooze it.")


class Choice(NamedTuple):
    """A natural moment: its key in forms, how it is said, when it is."""

    key: str
    label: str
    until: datetime


# --- when


def choices(*, waiting: bool = False, now: datetime | None = None) -> list[Choice]:
    """What to offer, in the reader's time zone, which is the active one; `waiting`: where we wait for the customer."""
    here = timezone.localtime(now)
    found = [Choice("hour", gettext("In an hour"), here + timedelta(hours=1))]
    if here + timedelta(hours=1) < (afternoon := _on(here, 0, AFTERNOON)):
        found.append(Choice("afternoon", gettext("This afternoon, 16:00"), afternoon))
    found += [
        Choice("tomorrow", gettext("Tomorrow, 9:00"), _on(here, 1, MORNING)),
        Choice("monday", gettext("Monday, 9:00"), _on(here, 7 - here.weekday(), MORNING)),
        Choice("week", gettext("In a week"), _on(here, 7, here.time())),
    ]
    if waiting:
        found.append(Choice("silent", gettext("If they do not answer in 3 days"), _on(here, 3, here.time())))
    return found


def _on(here: datetime, days: int, at: time) -> datetime:
    """That time of day, so many days on: by the calendar, so that a changed clock changes no hour."""
    return datetime.combine(here.date() + timedelta(days=days), at, tzinfo=here.tzinfo)


def chosen(key: str) -> datetime | None:
    """The moment behind a key, as it is now; None where it has passed, as this afternoon has at night."""
    return next((choice.until for choice in choices(waiting=True) if choice.key == key), None)


def _checked(until: datetime) -> datetime:
    now = timezone.now()
    if until <= now:
        raise InThePast
    if until > now + LONGEST:
        raise TooFar
    return until


# --- asleep


@transaction.atomic
def snooze(*, case: Case, until: datetime, by: User) -> Case:
    """Put the case aside until then. It stays with its owner; who snoozes a free one takes it."""
    _checked(until)
    case = Case.objects.locked(case.pk, "owner")
    if case.state not in FROM:
        raise CannotSnooze(state=case.get_state_display().lower())
    if case.owner_id not in (None, by.pk) and not by.leads:
        raise SomebodyElses(owner=case.owner)
    deeds.do(action="snooze", cases=[case.pk], by=by, act=lambda pks: _put_aside(pks, until, by))
    case.refresh_from_db()
    return case


@transaction.atomic
def snooze_many(*, cases: Iterable[int], until: datetime, by: User) -> int:
    """Snooze those of `cases` that `by` may. Returns how many. No deed is written: `deeds.do` around it does that."""
    _checked(until)
    found = Case.objects.visible_to(by).filter(pk__in=list(cases), state__in=FROM).order_by("pk")
    owners = dict(found.select_for_update(of=("self",)).values_list("pk", "owner"))
    return _put_aside([pk for pk, owner in owners.items() if by.leads or owner in (None, by.pk)], until, by)


def _put_aside(pks: list[int], until: datetime, by: User) -> int:
    """Locked cases, which may be. Two updates: whose it is stays, a free one is taken."""
    rows = Case.objects.filter(pk__in=pks)
    rows.filter(owner=None).update(owner=by, state=Case.State.SNOOZED, snoozed_until=until)
    rows.filter(state__in=FROM).update(state=Case.State.SNOOZED, snoozed_until=until)
    detail = gettext("until %(when)s") % {"when": date_format(timezone.localtime(until), "j M Y, H:i")}
    _log("snoozed", pks, by, detail)
    _tell(pks, by)
    return len(pks)


# --- awake


@transaction.atomic
def wake(cases: Iterable[int], why: str) -> int:
    """Bring back those of `cases` that are snoozed, and tell whoever has them; `why` is a sentence. Returns how many.

    Since when the customer waits stays as it is.
    """
    return _wake(Case.objects.filter(pk__in=list(cases)), why)


def wake_due(now: datetime | None = None) -> int:
    """Bring back what was snoozed until now. Returns how many."""
    due = Case.objects.filter(snoozed_until__lte=now or timezone.now())
    woken = 0
    while found := _wake_some(due):
        woken += found
    return woken


@transaction.atomic
def _wake_some(due: QuerySet[Case]) -> int:
    return _wake(due, gettext("Its time has come."))


def _wake(cases: QuerySet[Case], why: str) -> int:
    asleep = cases.filter(state=Case.State.SNOOZED).order_by("pk").select_for_update(of=("self",), skip_locked=True)
    owners = dict(asleep.values_list("pk", "owner")[:BATCH])
    if not owners:
        return 0
    Case.objects.filter(pk__in=owners).update(state=Case.State.OPEN, snoozed_until=None)
    _log("woken", owners, None, why)
    call(owners, why)
    _tell(owners, None, arrived=owners)
    return len(owners)


def call(owners: Mapping[int, int], why: str) -> None:
    """Let whoever has a case (case → owner) know that it is awake; `why` is a sentence."""
    notices.tell_each(_word(pk, owner, why) for pk, owner in owners.items())


def _word(pk: int, owner: int, why: str) -> notices.Word:
    text = gettext("Case #%(case)d, which was snoozed, is back. %(why)s") % {"case": pk, "why": why}
    return notices.Word(owner, Notice.Kind.WAKE, text, Case(pk=pk).get_absolute_url(), Case(pk=pk))


@transaction.atomic
def wake_now(*, case: Case, by: User) -> Case:
    """By hand: waiting for the customer again where we spoke last, else being worked on."""
    case = Case.objects.locked(case.pk, "owner")
    if case.state != Case.State.SNOOZED:
        raise NotSnoozed
    if case.owner_id != by.pk and not by.leads:
        raise assignment.NotYours(owner=case.owner)
    case.state, case.snoozed_until = (Case.State.WAITING if _spoke_last(case) else Case.State.OPEN), None
    case.save(update_fields=["state", "snoozed_until"])
    log("woken", case, by=by)
    _tell([case.pk], by, arrived=[case.pk] if case.needs_us else [])
    return case


def _spoke_last(case: Case) -> bool:
    said = Message.objects.filter(case_entry__case=case).order_by("-occurred_at", "-id")
    return said.values_list("direction", flat=True).first() == Message.Direction.OUT


def _log(verb: str, pks: Iterable[int], by: User | None, detail: str) -> None:
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind="cases.case", subject_id=pk, by=by, detail=detail) for pk in pks]
    )


def _tell(pks: Iterable[int], by: User | None, arrived: Iterable[int] = ()) -> None:
    pks = list(pks)
    promises.settle(pks)
    told.changed(pks)
    live.cases_changed(pks, arrived=arrived, by=by)
