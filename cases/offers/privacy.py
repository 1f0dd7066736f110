"""What offers and absences hold on a person: that one of us was offered their case, and why that one."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import Offer
from cases.privacy.cases import cases_of
from crm.privacy.holders import Holder, columns, in_batches, register, rows_of
from crm.privacy.people import Person


def _offers(person: Person) -> QuerySet[Offer]:
    return Offer.objects.filter(case__in=cases_of(person).order_by()).order_by("pk")


def register_all() -> None:
    register(
        Holder(
            "offers", _("Which of us were offered their cases"), ("cases.offer", "cases.lent"),
            _("Why it was offered to that one goes."), lambda person: _offers(person).exclude(reasons=[]).count(),
            lambda person: in_batches(_offers(person).exclude(reasons=[]), lambda rows: rows.update(reasons=[])),
            lambda person: rows_of(_offers(person), "case", "at", "state"),
            columns(Offer, "at", "state", case=_("case")),
            keeps=_("Who of us was offered or lent a case, and when."),
        )
    )  # fmt: skip
