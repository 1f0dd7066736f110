"""Who has a case. Taking is one conditional UPDATE: of two who take it at once, one has it, the other is told who."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models, transaction
from django.db.models import F, Value, When
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import handover_ends, live, told
from cases.models import Case
from cases.models.states import UNRESOLVED
from crm.errors import Refused
from crm.models import Activity, User
from crm.models.activity import log


class AlreadyTaken(Refused):
    sentence = _("{owner} has this case already.")


class NotWaitingForAnyone(Refused):
    sentence = _("This case is {state}; there is nothing to take.")


class NotYours(Refused):
    sentence = _("Only {owner}, who has this case, or a lead can give it away.")


class CannotOwn(Refused):
    sentence = _("{person} cannot answer customers, so cannot have a case.")


class HandItOver(Refused):
    sentence = _("{owner} has this case: hand it over with its story, so that the customer need not tell it again.")


class NobodysCase(Refused):
    sentence = _("Nobody has this case any more. Look again before you move it.")


ON_BEING_TAKEN = models.Case(
    When(state__in=(Case.State.NEW, Case.State.ASIDE), then=Value(Case.State.OPEN)), default=F("state")
)
ON_BEING_LEFT = models.Case(
    When(state__in=(Case.State.OPEN, Case.State.SNOOZED), then=Value(Case.State.NEW)), default=F("state")
)


@transaction.atomic
def take(*, case: Case, by: User) -> Case:
    """`by` becomes the owner, if nobody else is."""
    won = (
        Case.objects.visible_to(by)
        .filter(pk=case.pk, owner=None, state__in=UNRESOLVED)
        .update(owner=by, state=ON_BEING_TAKEN)
    )
    case.refresh_from_db()
    if won:
        log("taken", case, by=by)
        told.changed([case.pk])
        live.cases_changed([case.pk], by=by)
    elif case.owner_id != by.pk or not case.is_unresolved:
        raise _why_not(case)
    return case


@transaction.atomic
def release(*, case: Case, by: User) -> Case:
    """Back to the queue of its team."""
    _check_may_move(case, by)
    held = Case.objects.filter(pk=case.pk, owner=case.owner_id or 0, state__in=UNRESOLVED)
    given_back = held.update(owner=None, state=ON_BEING_LEFT, snoozed_until=None)
    case.refresh_from_db()
    if not given_back:
        raise _why_not(case)
    handover_ends.end([case.pk], why=gettext("The case went back to the queue."), by=by)
    log("given back", case, by=by)
    told.changed([case.pk])
    live.cases_changed([case.pk], arrived=[case.pk], by=by)
    return case


@transaction.atomic
def assign(*, case: Case, to: User, by: User) -> Case:
    """Give a case that nobody has to a colleague. One that somebody has is handed over, with its story."""
    _check_may_move(case, by)
    if not to.answers or not to.is_active:
        raise CannotOwn(person=to)
    if case.owner is not None and case.is_unresolved:
        raise HandItOver(owner=case.owner)
    free = Case.objects.filter(pk=case.pk, owner=None, state__in=UNRESOLVED)
    moved = free.update(owner=to, state=ON_BEING_TAKEN)
    case.refresh_from_db()
    if not moved:
        raise _why_not(case)
    log("assigned", case, by=by, detail=str(to))
    told.changed([case.pk])
    live.cases_changed([case.pk], arrived=[case.pk], by=by)
    return case


def _check_may_move(case: Case, by: User) -> None:
    if case.owner_id not in (None, by.pk) and not by.leads:
        raise NotYours(owner=case.owner)


def _why_not(case: Case) -> Refused:
    """What stood in the way of a move, as the case is now."""
    if not case.is_unresolved:
        return NotWaitingForAnyone(state=case.get_state_display().lower())
    return AlreadyTaken(owner=case.owner) if case.owner else NobodysCase()


@transaction.atomic
def take_many(*, cases: Iterable[int], by: User) -> int:
    """Take those of `cases` that nobody has. Returns how many. Four queries, however many cases."""
    free = Case.objects.visible_to(by).filter(pk__in=list(cases), owner=None, state__in=UNRESOLVED)
    taken = list(free.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Case.objects.filter(pk__in=taken).update(owner=by, state=ON_BEING_TAKEN)
    _log_many("taken", taken, by)
    told.changed(taken)
    live.cases_changed(taken, by=by)
    return len(taken)


@transaction.atomic
def assign_many(*, cases: Iterable[int], to: User, by: User) -> int:
    """Give those of `cases` that nobody has to `to`. Returns how many; what somebody has is handed over one by one."""
    if not to.answers or not to.is_active:
        raise CannotOwn(person=to)
    free = Case.objects.visible_to(by).filter(pk__in=list(cases), owner=None, state__in=UNRESOLVED)
    moved = list(free.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Case.objects.filter(pk__in=moved).update(owner=to, state=ON_BEING_TAKEN)
    _log_many("assigned", moved, by, detail=str(to))
    told.changed(moved)
    live.cases_changed(moved, arrived=moved, by=by)
    return len(moved)


def _log_many(verb: str, pks: Iterable[int], by: User, detail: str = "") -> None:
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind="cases.case", subject_id=pk, by=by, detail=detail) for pk in pks]
    )
