"""What is held on a customer as an advocate, and in thanks by name to one of us."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.privacy.holders import Holder, columns, deleting, in_batches, register, rows_of
from crm.privacy.people import Person
from surveys.models import Advocate, AdvocateLetter, AdvocateReason, Recognition

GONE = "–"
IS = ("state", "found_at", "since", "how")
WRITTEN = ("kind", "text", "at", "sent_at", "failed")
SAID = ("what", "words", "at")


def _advocates(person: Person) -> QuerySet[Advocate]:
    return Advocate.objects.filter(customer__in=person.records).order_by("pk")


def _letters(person: Person) -> QuerySet[AdvocateLetter]:
    return AdvocateLetter.objects.filter(advocate__in=_advocates(person).order_by()).order_by("pk")


def _thanks(person: Person) -> QuerySet[Recognition]:
    """Of one of us, for something done for them."""
    records = person.records
    theirs = Q(customer__in=records) | Q(case__customer__in=records) | Q(call__customer__in=records)
    return Recognition.objects.filter(theirs).order_by("pk")


def _naming(person: Person) -> QuerySet[Recognition]:
    """For something else, with a name of theirs in it."""
    if not person.names.words:
        return Recognition.objects.none()
    named = Recognition.objects.filter(words__iregex=person.names.expression)
    return named.exclude(pk__in=_thanks(person).values("pk").order_by()).order_by("pk")


def _unsay(rows: QuerySet[Recognition]) -> None:
    rows.update(words="", erased_at=timezone.now())


def _erase_thanks(person: Person) -> Iterator[int]:
    yield from in_batches(_thanks(person).exclude(words=""), _unsay)
    theirs = re.compile(person.names.expression, re.IGNORECASE | re.MULTILINE) if person.names.words else None
    for row in _naming(person).only("words") if theirs else ():
        Recognition.objects.filter(pk=row.pk).update(words=theirs.sub(GONE, row.words))  # type: ignore[union-attr]
        yield 1


def _count_thanks(person: Person) -> int:
    return _thanks(person).exclude(words="").count() + _naming(person).count()


def held(person: Person) -> Mapping[type[Model], QuerySet[Any]]:
    """All of it, by kind: what the log, the admin and notices name these rows by."""
    advocates = _advocates(person).order_by()
    return {
        Advocate: advocates,
        AdvocateReason: AdvocateReason.objects.filter(advocate__in=advocates),
        AdvocateLetter: _letters(person).order_by(),
        Recognition: _thanks(person).order_by(),
    }


def register_all() -> None:
    count, erase = deleting(_advocates)
    count_letters, erase_letters = deleting(_letters)
    register(
        Holder(
            "advocates", _("That they speak up for us, or could"), ("surveys.advocate", "surveys.advocatereason"),
            _("It goes."), count, erase, lambda person: rows_of(_advocates(person), *IS), columns(Advocate, *IS),
            reads="how",
        ),
        Holder(
            "advocate_letters", _("What they were written as advocates"), ("surveys.advocateletter",), _("It goes."),
            count_letters, erase_letters, lambda person: rows_of(_letters(person), *WRITTEN),
            columns(AdvocateLetter, *WRITTEN), reads="text",
        ),
        Holder(
            "recognitions", _("Thanks to one of us for what was done for them"), ("surveys.recognition",),
            _("The words go; where they are for something else, their name does."), _count_thanks, _erase_thanks,
            lambda person: rows_of(_thanks(person), *SAID, to=F("person__username")),
            columns(Recognition, *SAID, to=_("to")), reads="words",
            keeps=_("That one of us was thanked, by whom and when."),
        ),
    )  # fmt: skip
