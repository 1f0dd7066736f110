"""Calls that stand still: of people who left or are away, and those whose day has passed. By the clock, in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from crm import notices
from crm.models import Absence, Activity, User
from surveys.models import Call, OutreachSettings
from surveys.models.calls import CallQuerySet
from surveys.outreach import news
from surveys.outreach.assigning.giving import assign
from surveys.outreach.assigning.roster import MAY_CALL

BATCH = 500
# Whoever has the call hears first, and has a day: what is late by hours is not for the head of the house.
GRACE = timedelta(days=1)
REMINDED = "reminded"


def release_absent(now: datetime) -> int:
    """Calls of who left, and of who is away beyond the day on which they are due: to somebody else, or to the pool.

    Freed and given in two transactions, since people are locked before calls; what a crash leaves between them stands
    in the pool, which `assign_pool` gives out. How many were freed.
    """
    freed = 0
    while calls := _free(now):
        assign(calls)
        freed += len(calls)
    return freed


@transaction.atomic
def _free(now: datetime) -> list[Call]:
    gone = Q(owner__is_active=False) | ~Q(owner__role__in=MAY_CALL)
    away = Absence.objects.at(now).filter(user=OuterRef("owner"), ends_at__gt=OuterRef("due_at"))
    theirs = Call.objects.live().filter(owner__isnull=False).filter(gone | Q(Exists(away)))
    found = list(theirs.order_by("pk").select_related("owner").select_for_update(of=("self",))[:BATCH])
    pks = {call.pk: call.owner_id for call in found}
    Call.objects.filter(pk__in=pks).update(owner=None, owned_since=None)
    said = _("%(person)s has left or is away")
    news.wrote("freed", {call.pk: said % {"person": call.owner} for call in found})
    news.changed(pks, pks.values())
    return found


def escalate(now: datetime) -> int:
    """Calls whose day has passed: whoever has one hears of it; a day later the head of calls does, or all leads where
    none is named. Each once for a call. How many were told of.
    """
    settings = OutreachSettings.current()
    overdue = Call.objects.overdue(now).filter(escalated_at=None)
    told = _all(overdue.filter(due_at__gt=now - GRACE, owner__isnull=False).exclude(_reminded()), _remind)
    heads = [settings.escalate_to_id] if settings.escalate_to_id else _leads()
    return told + _all(overdue.filter(due_at__lte=now - GRACE), lambda calls: _escalate(calls, heads, now))


def _all(calls: CallQuerySet, act: Callable[[Sequence[Call]], None]) -> int:
    """Batch by batch, each a transaction of its own; what another run has in hand is left to it."""
    number = BATCH
    total = 0
    while number == BATCH:
        with transaction.atomic():
            rows = calls.order_by("due_at", "pk").select_for_update(of=("self",), skip_locked=True)
            found = list(rows.select_related("owner")[:BATCH])
            act(found)
        number = len(found)
        total += number
    return total


def _reminded() -> Exists:
    lines = Activity.objects.filter(subject_kind=Call._meta.label_lower, subject_id=OuterRef("pk"), verb=REMINDED)
    return Exists(lines)


def _remind(calls: Sequence[Call]) -> None:
    said = _("Call %(number)d is overdue.")
    notices.tell_each(news.word(call.owner_id or 0, call, said % {"number": call.pk}) for call in calls)
    news.wrote(REMINDED, {call.pk: "" for call in calls})


def _escalate(calls: Sequence[Call], heads: Sequence[int], now: datetime) -> None:
    Call.objects.filter(pk__in=[call.pk for call in calls]).update(escalated_at=now)
    notices.tell_each(news.word(head, call, _late(call)) for call in calls for head in heads)
    news.wrote("escalated", {call.pk: "" for call in calls})
    news.changed((call.pk for call in calls), (call.owner_id for call in calls))


def _late(call: Call) -> str:
    if call.owner:
        return _("Call %(number)d of %(person)s is overdue.") % {"number": call.pk, "person": call.owner}
    return _("Call %(number)d is overdue, and nobody has it.") % {"number": call.pk}


def _leads() -> list[int]:
    return list(User.objects.who_lead().values_list("pk", flat=True))
