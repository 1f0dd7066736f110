"""What is to be done in every case of a cause, and what of it is done in this one."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import live, told
from cases.causes import CauseRetired
from cases.models import Case, Cause, CheckedItem, ChecklistItem
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log


class StillToDo(Refused):
    sentence = _("Before this case is resolved as “{cause}”, this has to be done and ticked: “{item}”.")


class NotOpenAnyMore(Refused):
    sentence = _("This case is {state}: its checklist stays as it is.")


def steps(case: Case, cause: int | None = None) -> list[ChecklistItem]:
    """The checklist of the case's cause, or of `cause`, as it stands in this case. One query; none without a cause."""
    cause = cause or case.cause_id
    return list(ChecklistItem.objects.filter(cause=cause).as_in(case)) if cause else []


@transaction.atomic
def tick(*, case: Case, item: ChecklistItem, by: User) -> CheckedItem:
    """It is done. Who ticks an item of another cause works by that one's list: it is the likely cause from then on."""
    current = _open(case)
    done, made = CheckedItem.objects.get_or_create(case=current, item=item, defaults={"by": by})
    if current.cause_id != item.cause_id and not item.cause.retired_at:
        Case.objects.filter(pk=current.pk).update(cause=item.cause)
    if made:
        log("ticked off", current, by=by, detail=item.text)
        _changed(current, by)
    return done


@transaction.atomic
def untick(*, case: Case, item: ChecklistItem, by: User) -> None:
    current = _open(case)
    gone, _models = CheckedItem.objects.filter(case=current, item=item).delete()
    if gone:
        log("unticked", current, by=by, detail=item.text)
        _changed(current, by)


@transaction.atomic
def think_of(*, case: Case, cause: Cause | None, by: User) -> Case:
    """Set the likely cause before the case is resolved, so that its checklist is seen; None: nobody knows yet."""
    current = _open(case)
    if cause and cause.retired_at:
        raise CauseRetired(cause=cause)
    if current.cause_id != (cause.pk if cause else None):
        current.cause = cause
        current.save(update_fields=["cause"])
        log("likely cause set", current, by=by, detail=str(cause or gettext("not known yet")))
        _changed(current, by)
    return current


def refuse_while_one_is_open(case: Case, cause: Cause) -> None:
    """Called before a case is resolved with `cause`."""
    if item := ChecklistItem.objects.still_to_do(case, cause).first():
        raise StillToDo(cause=cause, item=item.text)


def without(cases: Iterable[int], cause: Cause) -> list[int]:
    """`cases` less those in which something required of `cause` is still to be done. Two queries, however many."""
    pks = list(cases)
    required = ChecklistItem.objects.in_use().filter(cause=cause, required=True).count()
    if not required:
        return pks
    done = CheckedItem.objects.required_of(cause).filter(case__in=pks).values_list("case_id", flat=True)
    ticked: dict[int, int] = {}
    for pk in done:
        ticked[pk] = ticked.get(pk, 0) + 1
    return [pk for pk in pks if ticked.get(pk, 0) == required]


def _open(case: Case) -> Case:
    current = Case.objects.locked(case.pk)
    if not current.is_unresolved:
        raise NotOpenAnyMore(state=current.get_state_display().lower())
    return current


def _changed(case: Case, by: User) -> None:
    told.changed([case.pk])
    live.cases_changed([case.pk], by=by)
