"""What drafts, overrides and wordings hold on a person: words for them, and how what we wrote to them reads."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Draft, Override, Wording
from cases.privacy.cases import cases_of
from crm.privacy.holders import Holder, Row, columns, deleting, in_batches, register, rows_of, spare
from crm.privacy.people import Person


def _cases(person: Person) -> QuerySet[Case]:
    return cases_of(person).order_by()


def _drafts(person: Person) -> QuerySet[Draft]:
    return Draft.objects.filter(case__in=_cases(person)).order_by("pk")


def _draft_rows(person: Person) -> Iterator[Row]:
    return rows_of(_drafts(person), "case", "at", "text")


def _overrides(person: Person) -> QuerySet[Override]:
    return Override.objects.filter(case__in=_cases(person)).order_by("pk")


def _wordings(person: Person) -> QuerySet[Wording]:
    theirs = Q(customer__in=person.records) | Q(message__identity__in=person.identities)
    return Wording.objects.filter(theirs | Q(message__case_entry__case__in=_cases(person))).order_by("pk")


def register_all() -> None:
    count_drafts, erase_drafts = deleting(_drafts)
    count_wordings, erase_wordings = deleting(_wordings)
    register(
        Holder(
            "drafts", _("What we have begun to write to them, or to note"), ("cases.draft",), _("It goes."),
            count_drafts, erase_drafts, _draft_rows, columns(Draft, "at", "text", case=_("case")), reads="text",
        ),
        Holder(
            "overrides", _("Why they got much the same words as others"), ("cases.override",), _("The reason goes."),
            lambda person: _overrides(person).exclude(why="").count(),
            lambda person: in_batches(_overrides(person).exclude(why=""), lambda rows: rows.update(why="")),
            lambda person: rows_of(_overrides(person), "case", "at", "why"),
            columns(Override, "at", "why", case=_("case")), reads="why",
            keeps=_("That it was sent, by whom, and how alike it was."),
        ),
        Holder(
            "wordings", _("How what we wrote to them reads, as numbers"), ("cases.wording",), _("They go."),
            count_wordings, erase_wordings,
        ),
    )  # fmt: skip
    spare(
        {
            "cases.template": _("Words to begin with; nobody’s in particular."),
            "cases.templatetext": _("Words to begin with; nobody’s in particular."),
        }
    )
