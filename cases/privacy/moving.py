"""What we were told of somebody's cases; and what of moving cases holds nothing on anybody."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.privacy.cases import cases_of
from crm.models import Notice
from crm.privacy.holders import Holder, deleting, register, spare
from crm.privacy.people import Person


def _notices(person: Person) -> QuerySet[Notice]:
    """About one of their cases, or leading to one."""
    pks = list(cases_of(person).values_list("pk", flat=True))
    pages = [Case(pk=pk).get_absolute_url() for pk in pks]
    about = Q(subject_kind="cases.case", subject_id__in=pks)
    return Notice.objects.filter(about | Q(url__in=pages)).order_by("pk")


def register_all() -> None:
    """Registered after the cases, so erased before them: which ones are theirs is still known."""
    count, erase = deleting(_notices)
    register(
        Holder(
            "case_notices", _("What we were told of their cases"), ("crm.notice",),
            _("They go. They are our own sentences, without words of the customer."), count, erase,
        )
    )  # fmt: skip
    spare(
        {
            "crm.noticechoice": _("How one of us wants to hear of things."),
            "cases.deed": _("Numbers, states and moments of cases, and names of rules; no words of anybody’s."),
        }
    )
