"""What is held on a person by which cases are alike: numbers of their words, and among whom their case stands."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.alike.parting import find_again
from cases.models import Case, FloodAnswer, FloodMember, FloodReply, Opening
from cases.privacy.cases import cases_of
from crm.privacy.holders import Holder, in_batches, register
from crm.privacy.people import Person


def _openings(person: Person) -> QuerySet[Opening]:
    theirs = Q(message__identity__in=person.identities)
    return Opening.objects.filter(theirs | Q(message__case_entry__case__in=cases_of(person).order_by()))


def _members(person: Person) -> QuerySet[FloodMember]:
    return FloodMember.objects.filter(case__in=cases_of(person).order_by())


def _replies(person: Person) -> QuerySet[FloodReply]:
    return FloodReply.objects.filter(case__in=cases_of(person).order_by()).exclude(refusal="")


def _answers(person: Person) -> QuerySet[FloodAnswer]:
    """Written in their case, for all that are like it."""
    return FloodAnswer.objects.filter(like__in=cases_of(person).order_by()).exclude(text="")


def _count(person: Person) -> int:
    return sum(rows(person).count() for rows in (_openings, _members, _replies, _answers))


def _erase(person: Person) -> Iterator[int]:
    """Their case stands for itself: what others wrote would say what they did."""
    yield from in_batches(_members(person), _leave)
    yield from in_batches(_openings(person), _forget_words)  # after it, so that others take their place
    yield from in_batches(_replies(person), lambda rows: rows.update(refusal=""))
    yield from in_batches(_answers(person), _empty)


def _forget_words(rows: QuerySet[Opening]) -> None:
    floods = list(rows.exclude(flood=None).values_list("flood", flat=True))
    rows.delete()
    find_again(floods)


def _empty(rows: QuerySet[FloodAnswer]) -> None:
    """One that is under way has no words to go on with."""
    pks = list(rows.values_list("pk", flat=True))
    going = FloodAnswer.objects.under_way().filter(pk__in=pks)
    going.update(state=FloodAnswer.State.STOPPED, ended_at=timezone.now())
    rows.update(text="")


def _leave(rows: QuerySet[FloodMember]) -> None:
    Case.objects.filter(pk__in=list(rows.values_list("case", flat=True)), behind=True).update(behind=False)
    rows.delete()


def register_all() -> None:
    register(
        Holder(
            "alike", _("That they began with nearly the same words as others"),
            ("cases.opening", "cases.flood", "cases.floodmember", "cases.floodanswer", "cases.floodreply"),
            _("It goes, with what we wrote in their case for all of them; their case stands for itself."),
            _count, _erase, keeps=_("That their case was answered together with others, and when."),
        )
    )  # fmt: skip
