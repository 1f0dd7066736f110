"""What leads hold on a person: what they want to buy, in our words, and what became of it."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Lead
from cases.privacy.cases import cases_of
from crm.privacy.holders import Holder, columns, in_batches, register, rows_of
from crm.privacy.people import Person

GONE = "–"  # what stands where the database wants a word and there is none left
TOLD = ("case", "handed_at", "what", "state", "outcome", "ended_at")
LEFT = ~Q(what="") | ~Q(outcome__in=["", GONE]) | Q(ended_at=None)


def _of(person: Person) -> QuerySet[Lead]:
    theirs = Q(customer__in=person.records) | Q(case__in=cases_of(person).order_by())
    return Lead.objects.filter(LEFT, theirs).order_by("pk")


def unlead(leads: QuerySet[Lead]) -> None:
    """What is open is returned: nobody is left to sell to, and nobody can read what they wanted."""
    leads.filter(ended_at=None).update(state=Lead.State.RETURNED, ended_at=Now(), outcome=GONE)
    leads.update(what="", outcome=GONE)


def words_left() -> Exists:
    """For a query of cases: whether a lead of theirs still has words."""
    return Exists(Lead.objects.filter(LEFT, case=OuterRef("pk")))


def take_words(cases: QuerySet[Case]) -> None:
    """Of cases that are kept no longer."""
    found = list(Lead.objects.filter(LEFT, case__in=cases).values_list("pk", flat=True))
    unlead(Lead.objects.filter(pk__in=found))


def register_all() -> None:
    register(
        Holder(
            "leads", _("What they wanted to buy, as we told sales"), ("cases.lead",),
            _("The words go; an open lead is returned."), lambda person: _of(person).count(),
            lambda person: in_batches(_of(person), unlead), lambda person: rows_of(_of(person), *TOLD),
            columns(Lead, *TOLD), reads="what",
            keeps=_("That a case was handed to sales, by whom and to whom, and whether they bought."),
        )
    )  # fmt: skip
