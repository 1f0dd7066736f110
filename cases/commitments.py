"""What one of us promised this customer. It stands on the case until it is kept, or dropped with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import live, told
from cases.models import Case, Commitment, HandOver
from crm import notices
from crm.errors import Refused
from crm.models import Notice, User
from crm.models.activity import log

AT_ONCE = 200  # commitments whose owners are told in one go


class NothingPromised(Refused):
    sentence = _("Write what we promised, in words the customer would know it by.")


class CaseIsOver(Refused):
    sentence = _("This case is {state}. Reopen it before you change what we promised.")


class NoReason(Refused):
    sentence = _("Say why it is dropped: somebody was promised it.")


class EndedAlready(Refused):
    sentence = _("“{text}” was {done} already, by {who}.")


class NotKept(Refused):
    sentence = _("“{text}” is not marked as kept, so there is nothing to undo.")


class StillStands(Refused):
    sentence = _("We promised this customer: “{text}”. Keep it, or drop it with a reason, before you resolve the case.")


@transaction.atomic
def promise(*, case: Case, text: str, until: datetime | None, by: User) -> Commitment:
    """Somebody promised the customer something in this case, until then or without a date."""
    case = _locked(case.pk)
    text = text.strip().replace("\x00", "")[:500]
    if not text:
        raise NothingPromised
    made = Commitment.objects.create(case=case, text=text, until=until, by=by)
    log("promised", case, by=by, detail=text)
    _changed(case, by)
    return made


def take_over(*, handover: HandOver) -> Commitment:
    """What the giver had promised stands on the case from now on. Part of accepting it: the case's row is held."""
    return Commitment.objects.create(
        case_id=handover.case_id, text=handover.promised, until=handover.promised_until, by=handover.by, at=handover.at
    )


@transaction.atomic
def keep(*, commitment: Commitment, by: User) -> Commitment:
    return _end(commitment, by, "kept", kept_at=timezone.now())


@transaction.atomic
def drop(*, commitment: Commitment, why: str, by: User) -> Commitment:
    why = why.strip().replace("\x00", "")[:300]
    if not why:
        raise NoReason
    return _end(commitment, by, "dropped", dropped_at=timezone.now(), why=why)


@transaction.atomic
def undo_keep(*, commitment: Commitment, by: User) -> Commitment:
    """It was not kept after all: it stands again."""
    case = _locked(commitment.case_id)
    undone = Commitment.objects.filter(pk=commitment.pk, kept_at__isnull=False).update(kept_at=None, ended_by=None)
    commitment.refresh_from_db()
    if not undone:
        raise NotKept(text=commitment.text)
    log("promise stands again", case, by=by, detail=commitment.text)
    _changed(case, by)
    return commitment


def refuse_while_one_stands(case: Case) -> None:
    """Called by who resolves, holding the case's row."""
    if standing := Commitment.objects.standing().filter(case=case).first():
        raise StillStands(text=standing.text)


def without(pks: Iterable[int]) -> list[int]:
    """Those of these cases on which none stands, in their order. One query."""
    pks = list(pks)
    held = set(Commitment.objects.standing().filter(case__in=pks).values_list("case", flat=True))
    return [pk for pk in pks if pk not in held]


@transaction.atomic
def remind() -> int:
    """Tell the owners of cases, once, that something they stand for is due. Returns of how many. By the clock."""
    due = Commitment.objects.overdue(timezone.now()).filter(told_at=None, case__owner__isnull=False)
    locked = due.select_for_update(of=("self",), skip_locked=True).select_related("case")
    found = list(locked.order_by("until", "id")[:AT_ONCE])
    Commitment.objects.filter(pk__in=[each.pk for each in found]).update(told_at=timezone.now())
    notices.tell_each([_word(each, owner) for each in found if (owner := each.case.owner_id)])
    live.cases_changed({each.case_id for each in found})
    return len(found)


def _word(due: Commitment, owner: int) -> notices.Word:
    """Without what was promised: that may be a customer's own words."""
    said = gettext("What we promised the customer in case #%(case)s is due. Keep it, or drop it with a reason.")
    return notices.Word(owner, Notice.Kind.PROMISE, said % {"case": due.case_id}, _page(due.case_id), due)


def _end(commitment: Commitment, by: User, done: str, **how: object) -> Commitment:
    case = _locked(commitment.case_id)
    ended = Commitment.objects.standing().filter(pk=commitment.pk).update(ended_by=by, **how)
    commitment.refresh_from_db()
    if not ended:
        was = gettext("kept") if commitment.kept_at else gettext("dropped")
        raise EndedAlready(text=commitment.text, done=was, who=commitment.ended_by or gettext("somebody"))
    log(f"promise {done}", case, by=by, detail=commitment.text)
    _changed(case, by)
    return commitment


def _locked(pk: int) -> Case:
    """Held until the end of the transaction, as resolving does: nothing is promised in a case that is just closed."""
    case = Case.objects.locked(pk)
    if not case.is_unresolved:
        raise CaseIsOver(state=case.get_state_display().lower())
    return case


def _page(pk: int) -> str:
    return reverse("cases:case", args=[pk])


def _changed(case: Case, by: User) -> None:
    told.changed([case.pk])
    live.cases_changed([case.pk], by=by)
