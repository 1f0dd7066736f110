"""What the case desk adds to the list of customers: who has an open case."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from crm.forms.customers import add_filter
from crm.models.customers import CustomerQuerySet


def register() -> None:
    add_filter("case", _("Open case"), with_open_case)


def with_open_case(customers: CustomerQuerySet, has: bool) -> CustomerQuerySet:
    """Who has an unresolved case, of whatever team; or who has none."""
    cases = Exists(Case.objects.unresolved().filter(customer=OuterRef("pk")))
    return customers.filter(cases if has else ~cases)
