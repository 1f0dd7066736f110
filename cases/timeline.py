"""What the case desk adds to a customer's timeline: when a case was opened, and when and why it was resolved."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.models import Case
from channels_app.timeline import Told, source
from crm.models import Customer, User


def opened(customer: Customer, user: User) -> QuerySet[Case]:
    return Case.objects.visible_to(user).of_customer(customer)


def opened_told(case: Case) -> Told:
    return Told("inbox-arrow-down", _("Case #%(number)d opened") % {"number": case.pk}, _page(case))


def resolved(customer: Customer, user: User) -> QuerySet[Case]:
    done = Case.objects.visible_to(user).of_customer(customer).exclude(resolved_at=None)
    return done.select_related("resolved_by", "cause__parent")


def resolved_told(case: Case) -> Told:
    facts = {"number": case.pk, "who": case.resolved_by, "cause": case.cause}
    return Told("check-circle", _("Case #%(number)d resolved by %(who)s: %(cause)s") % facts, _page(case))


def _page(case: Case) -> str:
    return reverse("cases:case", args=[case.pk])


def register() -> None:
    source(opened, at="opened_at", tell=opened_told)
    source(resolved, at="resolved_at", tell=resolved_told)
