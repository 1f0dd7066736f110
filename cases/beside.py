"""Other cases one should know of before one writes: those linked to a case, and the customer's other open ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Left
from django.utils.translation import gettext as _

from cases.models import Case, CaseLink
from channels_app.models import Message
from crm.models import User

MOST = 20


@dataclass(frozen=True)
class Others:
    """The customer's other unresolved cases: those `user` may see, with our last answer; and how many more."""

    seen: Sequence[Case]
    unseen: int


def others(case: Case, user: User) -> Others:
    """One query. `answer` are the first words of what we said last, None where we said nothing."""
    ours = Message.objects.filter(case_entry__case=OuterRef("pk"), direction=Message.Direction.OUT)
    last = ours.order_by("-occurred_at", "-id")
    theirs = Case.objects.unresolved().filter(customer=case.customer_id).exclude(pk=case.pk)
    found = theirs.select_related("channel", "owner", "customer", "team").annotate(
        answer=Subquery(last.values(beginning=Left("text", 160))[:1]),
        answered_at=Subquery(last.values("occurred_at")[:1]),
        may_see=Exists(Case.objects.visible_to(user).filter(pk=OuterRef("pk"))),
    )
    rows = list(found.order_by("-last_message_at", "-id")[: MOST + 1])
    seen = [row for row in rows if row.may_see]
    return Others(seen, len(rows) - len(seen))


@dataclass(frozen=True)
class Linked:
    """A case linked to this one, from its side."""

    case: Case
    how: str
    may_see: bool
    at: datetime


def linked(case: Case, user: User) -> list[Linked]:
    """One query."""
    other = Case.objects.visible_to(user).filter(Q(pk=OuterRef("one")) | Q(pk=OuterRef("other")))
    links = CaseLink.objects.filter(Q(one=case) | Q(other=case)).annotate(
        may_see=Exists(other.exclude(pk=case.pk)),
    )
    rows = links.select_related("one__customer", "other__customer", "one__channel", "other__channel")
    return [
        Linked(row.other if row.one_id == case.pk else row.one, _how(row, case), row.may_see, row.at)
        for row in rows.order_by(F("at").desc(), "-id")[:MOST]
    ]


def _how(row: CaseLink, case: Case) -> str:
    """ "Follows from it" is said of the newer one; of the older, that the other follows."""
    if row.kind == CaseLink.Kind.FOLLOWS and row.one_id == case.pk:
        return str(_("Led to it"))
    return row.get_kind_display()
