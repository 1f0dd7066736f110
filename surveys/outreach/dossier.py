"""All that one has to know of a customer before one calls them. A fixed number of queries, however much there is.

Whoever has the call reads it: what this customer answered, and which cases of theirs are open, also where they see
neither results nor cases otherwise. Where a case is not theirs to open it is named, without a way in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch
from django.utils import timezone

from cases import accounts
from cases.models import Case, Commitment, Lead
from channels_app import timeline
from channels_app.models import Message, Sentiment
from crm import consent
from crm.accounts import Health
from crm.glance import stakes
from crm.models import Customer, Purpose, Stakeholder, User
from surveys.models import ActionPlan, Attempt, Call, Group, GroupAnswer, GroupRequest
from surveys.outreach import answers, calling, hashtags, hours, listing, second
from surveys.outreach.answers import Said
from surveys.outreach.hours import Window
from surveys.outreach.listing import Card

EVENTS, CASES, POSTS, EARLIER, LEADS, RESOLVED = 3, 5, 3, 10, 3, 3  # shown at once; of open cases also how many more
MOST_CASES = 100  # counted
MOODS = {Group.PROMOTER: Sentiment.POSITIVE, Group.DETRACTOR: Sentiment.NEGATIVE}


@dataclass(frozen=True)
class OpenCase:
    """`promises` stand on it; `opens`: whether the reader may go there."""

    case: Case
    promises: list[Commitment]
    opens: bool


@dataclass(frozen=True)
class ResolvedCase:
    """How it ended, and why it was; `opens`: whether the reader may go there."""

    case: Case
    opens: bool


@dataclass(frozen=True)
class Stake:
    stakeholder: Stakeholder
    health: Health | None


@dataclass(frozen=True)
class Earlier:
    """Somebody called before. `unknown`: hashtags of the note that asked nobody."""

    attempt: Attempt
    requests: list[GroupRequest]
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Dossier:
    """`why_not`: the sentence why they may not be called at all, or nothing. `more_cases`: as many are not shown.

    `resolved`: of a detractor what went wrong before, the newest first. `to_tell`: for a second call what groups
    answered, each once; `has_come`: what they asked for and has changed since.
    """

    call: Call
    customer: Customer
    card: Card
    why_not: str
    has_number: bool
    said: list[Said]
    posts: list[Message]
    cases: list[OpenCase]
    more_cases: int
    resolved: list[ResolvedCase]
    events: Sequence[timeline.Entry]
    stakes: list[Stake]
    leads: list[Lead]
    earlier: list[Earlier]
    to_tell: list[GroupAnswer]
    has_come: list[ActionPlan]
    following: Call | None

    @property
    def window(self) -> Window:
        return self.card.window

    @property
    def is_elsewhere(self) -> bool:
        """Their clock says something else than the reader's."""
        return self.window.local.utcoffset() != timezone.localtime(self.window.local).utcoffset()

    @property
    def group(self) -> str:
        """Of their latest answer; as the call was made where there is none any more."""
        return self.said[0].response.group if self.said else self.call.group


def gather(call: Call, by: User, now: datetime) -> Dossier:
    """For who is about to call. `call` comes with its customer."""
    customer, said = call.customer.survivor, answers.of_calls([call.pk])[call.pk]
    cases, group = _cases(customer, by), said[0].response.group if said else call.group
    return Dossier(
        call=call, customer=customer, card=card(call, now), said=said,
        why_not=_why_not(call, customer), has_number=calling.phone_of(customer) is not None,
        posts=_posts(customer, group), cases=cases[:CASES], more_cases=max(len(cases) - CASES, 0),
        resolved=_resolved(customer, by) if group == Group.DETRACTOR else [],
        events=timeline.page_of(customer, timeline.Wanted(), user=by, size=EVENTS).entries,
        stakes=_stakes(customer, by, now), leads=_leads(customer, by), earlier=_earlier(customer),
        to_tell=second.answers_for(call) if call.kind == Call.Kind.SECOND else [],
        has_come=second.changes_for(call) if call.kind == Call.Kind.SECOND else [],
        following=Call.objects.following(call, by),
    )  # fmt: skip


def card(call: Call, now: datetime) -> Card:
    """When they may be called, as a list says it. Two queries."""
    return listing.card(call, hours.book(), now)


def _why_not(call: Call, customer: Customer) -> str:
    allowed = consent.may_contact(customer, Purpose.CALL)
    return "" if allowed or not call.is_live else str(allowed.why)


# --- what they said elsewhere


def _posts(customer: Customer, group: str) -> list[Message]:
    """What they praised us for in posts; of a detractor what they blamed us for. One query."""
    mood = MOODS.get(Group(group), Sentiment.POSITIVE) if group else Sentiment.POSITIVE
    found = Message.objects.of_customer(customer).with_a_mood().filter(sentiment=mood, deleted_at=None)
    return list(found.select_related("channel").order_by("-occurred_at", "-pk")[:POSTS])


# --- what goes on with them


def _cases(customer: Customer, by: User) -> list[OpenCase]:
    """The most urgent first. Three queries."""
    standing = Prefetch("commitments", Commitment.objects.standing(), to_attr="standing")
    rows = Case.objects.unresolved().of_customer(customer).select_related("channel", "owner")
    found = list(rows.prefetch_related(standing).order_by("rank", "turn_at", "pk")[:MOST_CASES])
    theirs = set(Case.objects.visible_to(by).unresolved().of_customer(customer).values_list("pk", flat=True))
    return [OpenCase(case, case.standing, case.pk in theirs) for case in found]  # type: ignore[attr-defined]


def _resolved(customer: Customer, by: User) -> list[ResolvedCase]:
    """Two queries."""
    rows = Case.objects.resolved().of_customer(customer).select_related("cause", "channel")
    found = list(rows.order_by("-resolved_at", "-pk")[:RESOLVED])
    theirs = set(Case.objects.visible_to(by).filter(pk__in=[case.pk for case in found]).values_list("pk", flat=True))
    return [ResolvedCase(case, case.pk in theirs) for case in found]


def _stakes(customer: Customer, by: User, now: datetime) -> list[Stake]:
    """What they are to accounts; how those are, for who looks after accounts or leads. Five queries at most."""
    found = stakes(customer)
    sees = listing.sees_health(by)
    health = accounts.health([each.account for each in found], now) if sees else {}
    return [Stake(each, health.get(each.account_id)) for each in found]


def _leads(customer: Customer, by: User) -> list[Lead]:
    """What they want to buy already, as far as the reader may know of it."""
    theirs = Lead.objects.visible_to(by).open().filter(customer=customer)
    return list(theirs.select_related("owner").order_by("due_at", "pk")[:LEADS])


def _earlier(customer: Customer) -> list[Earlier]:
    """The newest first, with what they asked of whom. Four queries."""
    asked = GroupRequest.objects.select_related("hashtag", "group", "answer").order_by("pk")
    rows = Attempt.objects.filter(call__customer=customer).select_related("by", "call")
    rows = rows.prefetch_related("heard", Prefetch("requests", asked, to_attr="asked"))
    found = list(rows.order_by("-at", "-pk")[:EARLIER])
    unknown = hashtags.unknown_of(attempt.note for attempt in found)
    return [
        Earlier(attempt, attempt.asked, tags)  # type: ignore[attr-defined]
        for attempt, tags in zip(found, unknown, strict=True)
    ]
