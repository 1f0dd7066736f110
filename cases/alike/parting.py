"""Taking a case out of those it was put with, and back; and whoever says more stands for themselves."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import live
from cases.alike.grouping import place_of
from cases.models import Case, Flood, FloodMember, Opening
from cases.models.alike import BANDS
from cases.thanks import is_bare_thanks
from channels_app.models import Message
from channels_app.reading import alike
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log


class NotAmongAlike(Refused):
    sentence = _("This case stands for itself: it is not among cases that are alike.")


class NotTakenOut(Refused):
    sentence = _("This case was not taken out, so there is nothing to put it back to.")


@transaction.atomic
def part(*, case: Case, by: User) -> Case:
    """Take it out: it stands for itself, and so does whatever comes in its very words. It is not put back by itself."""
    current = Case.objects.locked(case.pk)
    member = FloodMember.objects.in_force().filter(case=current).select_related("flood").first()
    if member is None:
        raise NotAmongAlike
    member.parted_at, member.parted_by = timezone.now(), by
    member.save(update_fields=["parted_at", "parted_by"])
    _keep_apart(current, member.flood)
    _stand_alone(current)
    log("taken out of alike cases", current, by=by)
    live.cases_changed([current.pk], arrived=[current.pk] if current.needs_us else [], by=by)
    return current


@transaction.atomic
def put_back(*, case: Case, by: User) -> Case:
    """Undo that."""
    current = Case.objects.locked(case.pk)
    member = FloodMember.objects.exclude(parted_at=None).filter(case=current).select_related("flood").first()
    if member is None:
        raise NotTakenOut
    member.parted_at = member.parted_by = None
    member.save(update_fields=["parted_at", "parted_by"])
    Opening.objects.filter(message__case_entry__case=current, apart=True).delete()
    find_again([member.flood_id])
    log("put back to alike cases", current, by=by)
    live.cases_changed([current.pk], by=by)
    return current


def said_more(entries: Iterable[tuple[Message, Case]]) -> None:
    """Of cases that stood already: who says more than the others did is read for what they say. One query or none.

    The head of a flood is read anyhow.
    """
    pks = {case.pk for message, case in entries if not message.is_ours and not is_bare_thanks(message.text)}
    if not pks:
        return
    members = FloodMember.objects.in_force().filter(case__in=pks).exclude(flood__head=F("case"))
    if members.update(parted_at=timezone.now()):
        Case.objects.filter(pk__in=pks, behind=True).update(behind=False)


def find_again(floods: Iterable[int]) -> None:
    """A flood whose first words are gone is found by those of the oldest that is left. A few queries for each."""
    for flood in Flood.objects.filter(pk__in=list(floods), opening=None).order_by("pk"):
        oldest = flood.members.in_force().order_by("case").values_list("case", flat=True).first()
        if found := _opening(oldest) if oldest else None:
            Opening.objects.bulk_create([found], ignore_conflicts=True)
            Flood.objects.filter(pk=flood.pk).update(opening=found.pk)


def _keep_apart(case: Case, flood: Flood) -> None:
    """What comes in these very words stands alone from now on, unless most of the flood came in them."""
    mine = _opening(case.pk)
    if mine is None:
        return
    if flood.opening_id == mine.pk:
        Flood.objects.filter(pk=flood.pk).update(opening=None)
        Opening.objects.filter(pk=mine.pk).delete()
        find_again([flood.pk])
    if not Opening.objects.filter(same=mine.same, apart=False).exists():
        mine.apart = True
        Opening.objects.bulk_create([mine], ignore_conflicts=True)


def _opening(case: int) -> Opening | None:
    """Of the words with which it began. Not saved; None where they are gone or too short."""
    theirs = Message.objects.filter(case_entry__case=case, direction=Message.Direction.IN, erased_at=None)
    first = theirs.select_related("case_entry__case__channel").in_order().first()
    if first is None:
        return None
    place = place_of(first.case_entry.case.team_id, first.case_entry.case.channel)  # type: ignore[attr-defined]
    found = alike.signatures([first.text], [place])[0]
    return Opening(message=first, same=found.same, **dict(zip(BANDS, found.bands, strict=False))) if found else None


def _stand_alone(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(behind=False)
    case.behind = False
