"""Who could speak up for us: customers who praise us or help others, each with what shows it.

Looked at is what was said in the last half year. A candidate has at least one of these:

- an answer of a promoter that counts, in which a comment praises something;
- two public posts in which they praise something of ours;
- two posts in which they help another customer: a reply to somebody else's post in public, of eight words or more,
  which neither complains nor asks, to a post that was no praise.

Nobody is one who asked not to be contacted, whose last recommendation is a detractor's, or with whom it was decided
already. New reasons are added to whoever is a candidate or more; those who declined, or with whom it ended, get none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from channels_app.models import Message
from channels_app.models.messages import Sentiment
from crm.models import Customer, IdentityLink
from surveys.models import Advocate, AdvocateReason, Group, Response, Theme, Tone

LOOKED_BACK = timedelta(days=180)
LEAST = 2  # posts: one may be a mood
HELP_WORDS = r"^\s*(\S+\s+){7}\S"  # eight words or more
BATCH, KEPT = 500, 20  # customers at once; reasons of a kind
Kind, State = AdvocateReason.Kind, Advocate.State
OPEN = (State.CANDIDATE, State.INVITED, State.ADVOCATE)


@dataclass(frozen=True)
class Reason:
    customer: int
    kind: str
    pk: int  # of the response, or of the message
    at: datetime


def find(now: datetime) -> int:
    """Write down new candidates and new reasons. Returns how many candidates are new. Safe to run at any time."""
    since, made = now - LOOKED_BACK, 0
    everybody = iter(sorted(_who(since)))
    while batch := list(islice(everybody, BATCH)):
        made += _write(batch, since, now)
    return made


def _who(since: datetime) -> set[int]:
    """Customers for whom enough speaks. Three queries."""
    praising = _promoters(since).values_list("invitation__customer", flat=True)
    posts = (_praise(since), _help(since))
    often = (rows.values("customer").annotate(n=Count("pk", distinct=True)).filter(n__gte=LEAST) for rows in posts)
    return {*praising, *(pk for rows in often for pk in rows.values_list("customer", flat=True))}


@transaction.atomic
def _write(customers: Collection[int], since: datetime, now: datetime) -> int:
    """Seven queries at most, however many customers."""
    asked = list(_may_be_asked(customers))
    new = set(asked) - set(Advocate.objects.filter(customer__in=asked).values_list("customer", flat=True))
    Advocate.objects.bulk_create(
        [Advocate(customer_id=pk, found_at=now, since=now) for pk in sorted(new)], ignore_conflicts=True
    )  # fmt: skip
    open_ones = dict(Advocate.objects.filter(customer__in=asked, state__in=OPEN).values_list("customer", "pk"))
    AdvocateReason.objects.bulk_create(
        [_row(open_ones[each.customer], each) for each in reasons(open_ones, since)], ignore_conflicts=True
    )  # fmt: skip
    return len(new)


def _row(advocate: int, reason: Reason) -> AdvocateReason:
    what = "response_id" if reason.kind == Kind.PROMOTER else "message_id"
    return AdvocateReason(advocate_id=advocate, kind=reason.kind, at=reason.at, **{what: reason.pk})


def _may_be_asked(customers: Collection[int]) -> QuerySet[Customer, int]:
    """Of these, those who stand for somebody, may be contacted, and whose last word is no detractor's."""
    answers = Response.objects.finished().scored().trusted().filter(invitation__customer=OuterRef("pk"))
    last = answers.order_by("-finished_at", "-pk").values("group")[:1]
    standing = Customer.objects.standing().filter(pk__in=customers, do_not_contact_at=None)
    content = standing.annotate(last=Subquery(last)).filter(Q(last=None) | ~Q(last=Group.DETRACTOR))
    return content.values_list("pk", flat=True)


def reasons(customers: Collection[int], since: datetime) -> Iterator[Reason]:
    """All that speaks for these, the latest of each kind. Three queries."""
    promoted = _promoters(since).filter(invitation__customer__in=customers).order_by("-finished_at", "-pk")
    facts = promoted.values_list("invitation__customer", "pk", "finished_at")
    yield from _latest(Reason(customer, Kind.PROMOTER, pk, at) for customer, pk, at in facts if at)
    for kind, posts in ((Kind.PRAISED, _praise(since)), (Kind.HELPED, _help(since))):
        said = posts.filter(customer__in=customers).order_by("-occurred_at", "-pk")
        rows = said.values_list("customer", "pk", "occurred_at")
        yield from _latest(Reason(customer, kind, pk, at) for customer, pk, at in rows)


def _latest(found: Iterable[Reason]) -> Iterator[Reason]:
    seen: dict[int, int] = defaultdict(int)
    for each in found:
        seen[each.customer] += 1
        if seen[each.customer] <= KEPT:
            yield each


# --- what speaks for somebody


def _promoters(since: datetime) -> QuerySet[Response]:
    """Answers of promoters in which a comment praises something."""
    praise = Theme.objects.standing().filter(answer__response=OuterRef("pk"), tone=Tone.PRAISE)
    said = Response.objects.finished().scored().trusted().filter(group=Group.PROMOTER, finished_at__gte=since)
    return said.filter(Exists(praise))


def _posts(since: datetime) -> QuerySet[Any]:
    """What customers said in public, with whose it is for certain."""
    said = Message.objects.filter(
        direction=Message.Direction.IN, private=False, erased_at=None, deleted_at=None, occurred_at__gte=since,
        identity__links__state=IdentityLink.State.CONFIRMED,
    )  # fmt: skip
    return said.annotate(customer=F("identity__links__customer")).order_by()


def _praise(since: datetime) -> QuerySet[Any]:
    return _posts(since).filter(sentiment=Sentiment.POSITIVE).exclude(topics="")


def _help(since: datetime) -> QuerySet[Any]:
    parent = Message.objects.filter(
        channel=OuterRef("channel"), external_id=OuterRef("parent_external_id"), direction=Message.Direction.IN,
        private=False,
    ).exclude(sentiment=Sentiment.POSITIVE).exclude(identity=OuterRef("identity"))  # fmt: skip
    same = IdentityLink.objects.filter(
        state=IdentityLink.State.CONFIRMED, identity=OuterRef("identity"), customer=OuterRef(OuterRef("customer"))
    )
    replies = _posts(since).exclude(parent_external_id="").filter(text__regex=HELP_WORDS)
    return replies.exclude(sentiment=Sentiment.NEGATIVE).exclude(text__contains="?").filter(
        Exists(parent.filter(~Exists(same)))
    )  # fmt: skip
