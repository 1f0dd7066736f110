"""The customer had to say again what they had told us before: marked at the message, counted at the case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import live, told
from cases.models import Case, CaseMessage, HandOver
from channels_app.models import Message
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log


class OurOwnWords(Refused):
    sentence = _("That is what we said. Mark what the customer had to say again.")


@transaction.atomic
def mark(*, case: Case, message: Message, by: User) -> CaseMessage:
    """Mark what the customer says here as said before; a second time takes the mark away again."""
    Case.objects.locked(case.pk)
    if message.direction != Message.Direction.IN:
        raise OurOwnWords
    entry = CaseMessage.objects.get(case=case, message=message)
    again = entry.repeated_at is None
    entry.repeated_at, entry.repeated_by = (timezone.now(), by) if again else (None, None)
    entry.save(update_fields=["repeated_at", "repeated_by"])
    recount([case.pk])
    log("had to be said again" if again else "was new after all", case, by=by)
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=by)
    return entry


def recount(pks: Iterable[int]) -> None:
    """Bring the counts of these cases in line with their messages and hand-overs. One query."""
    again = CaseMessage.objects.filter(case=OuterRef("pk"), repeated_at__isnull=False)
    accepted = HandOver.objects.filter(case=OuterRef("pk"), state=HandOver.State.ACCEPTED)
    Case.objects.filter(pk__in=list(pks)).update(repeats=_number(again), hand_overs=_number(accepted))


def _number(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("case").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
