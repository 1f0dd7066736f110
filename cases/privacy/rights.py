"""What replies that waited for approval hold on a person: what we meant to say to them, and what was to be changed."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Approval, Case
from cases.privacy.cases import cases_of
from crm.privacy.holders import Holder, Row, columns, in_batches, register, rows_of
from crm.privacy.people import Person

TOLD = ("case", "at", "text", "state", "reason")
LEFT = ~Q(text="") | ~Q(reason="")


def _of(person: Person) -> QuerySet[Approval]:
    return Approval.objects.filter(LEFT, case__in=cases_of(person).order_by()).order_by("pk")


def unsay(rows: QuerySet[Approval]) -> None:
    """What waits is withdrawn: nobody is left to send it to, and nobody can read what it was."""
    rows.filter(state=Approval.State.WAITING).update(state=Approval.State.WITHDRAWN, decided_at=Now())
    rows.update(text="", reason="")


def _rows(person: Person) -> Iterator[Row]:
    return rows_of(_of(person), *TOLD)


def words_left() -> Exists:
    """For a query of cases: whether a reply that waited or was rejected still has words."""
    return Exists(Approval.objects.filter(LEFT, case=OuterRef("pk")))


def take_words(cases: QuerySet[Case]) -> None:
    """Of cases that are kept no longer."""
    unsay(Approval.objects.filter(LEFT, case__in=cases))


def register_all() -> None:
    register(
        Holder(
            "approvals", _("Replies to them that waited for approval"), ("cases.approval",),
            _("The words go; one that waits is withdrawn."),
            lambda person: _of(person).count(), lambda person: in_batches(_of(person), unsay), _rows,
            columns(Approval, "at", "text", "state", "reason", case=_("case")), reads="text",
            keeps=_("Who of us wrote one, who decided on it, and when."),
        )
    )  # fmt: skip
