"""Cases, as other systems read them and are told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from ninja import Query, Router
from pydantic import Field

from cases.models import Case, Outcome, Priority
from cases.models.asked import CaseQuerySet
from cases.models.states import State
from channels_app.models import About, Intent, Sentiment, Urgency
from crm.api.auth import Caller, Token
from crm.api.kinds import Id, OneOf, Out, Slug
from crm.api.paging import Filter, Page, page
from crm.models import Scope
from crm.models.staff import CARE_ROLES
from crm.webhooks.topics import Built, Topic, register

router = Router(tags=["Cases"])
READ = Token(Scope.CASES_READ, CARE_ROLES)

CaseState = Annotated[str, OneOf(State)]
Mood = Annotated[str, OneOf(Sentiment)]
Wish = Annotated[str, OneOf(Intent)]
Matter = Annotated[str, OneOf(About)]
Hurry = Annotated[str, OneOf(Urgency)]
CaseOutcome = Annotated[str, OneOf(Outcome)]
NAMES = {value: Priority(value).name.lower() for value in Priority.values}
PriorityName = Annotated[str, Field(json_schema_extra={"enum": list(NAMES.values())})]


class CaseOut(Out):
    """What one customer wants, until it is resolved."""

    id: int
    customer: int
    identity: int = Field(description="As whom they wrote.")
    channel: str = Field(description="Its key.")
    team: str
    owner: str | None = Field(description="User name of who works on it.")
    state: CaseState
    priority: PriorityName
    subject: str
    sentiment: Mood
    intent: Wish | None = Field(description="What they want: of what they said last and wanted something with.")
    topic: Matter | None = Field(description="What it is about; null where it was not read.")
    urgency: Hurry | None = Field(description="How soon somebody has to act, by what they said.")
    language: str
    opened_at: datetime
    waiting_since: datetime
    last_message_at: datetime
    first_answered_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    cause: str | None = Field(description="Why it happened: likely so while it is open, certain once it is resolved.")
    outcome: CaseOutcome | None = Field(description="What came of it; known once it is resolved.")
    mood_at_start: Mood = Field(description="Of the customer, as far as it could be read.")
    mood_at_end: Mood = Field(description="When it was resolved.")
    reopenings: int
    merged_into: int | None = Field(description="The case it was joined to.")

    @classmethod
    def of(cls, case: Case) -> CaseOut:
        return cls(**_facts(case))


class CaseWithMessages(CaseOut):
    """A case, with the numbers of what was said in it."""

    messages: list[int] = Field(description="In the order they were said.")

    @classmethod
    def of(cls, case: Case) -> CaseWithMessages:
        said = case.entries.order_by("message__occurred_at", "message_id")
        return cls(**_facts(case), messages=list(said.values_list("message_id", flat=True)))


def _facts(case: Case) -> dict[str, Any]:
    """Of a case read with its channel, team, owner, cause and who resolved it."""
    return {
        "id": case.pk, "customer": case.customer_id, "identity": case.identity_id, "channel": case.channel.key,
        "team": case.team.name, "owner": case.owner.username if case.owner else None, "state": case.state,
        "priority": NAMES[case.priority], "subject": case.subject, "sentiment": case.sentiment,
        "intent": case.intent or None, "topic": case.topic or None, "urgency": case.urgency or None,
        "language": case.language, "opened_at": case.opened_at, "waiting_since": case.waiting_since,
        "last_message_at": case.last_message_at, "first_answered_at": case.first_answered_at,
        "resolved_at": case.resolved_at, "resolved_by": case.resolved_by.username if case.resolved_by else None,
        "cause": str(case.cause) if case.cause else None, "outcome": case.outcome or None,
        "mood_at_start": case.mood_at_start, "mood_at_end": case.mood_at_end, "reopenings": case.reopenings,
        "merged_into": case.merged_into_id,
    }  # fmt: skip


class CasesFilter(Filter):
    """Several of these narrow each other down."""

    customer: Annotated[Id | None, Field(description="Their number.")] = None
    state: CaseState | None = None
    channel: Annotated[Slug | None, Field(description="Its key.", examples=["skylark"])] = None
    owner: Annotated[str | None, Field(max_length=150, pattern=r"^[^\x00]*$", description="A user name.")] = None
    intent: Wish | None = None
    topic: Matter | None = None
    urgency: Hurry | None = None

    def narrow(self, cases: CaseQuerySet) -> CaseQuerySet:
        asked = {
            "customer": self.customer, "state": self.state, "channel__key": self.channel,
            "owner__username": self.owner, "intent": self.intent, "topic": self.topic, "urgency": self.urgency,
        }  # fmt: skip
        return cases.filter(**{name: value for name, value in asked.items() if value is not None})


def _all() -> CaseQuerySet:
    return Case.objects.select_related("channel", "team", "owner", "resolved_by", "cause__parent")


@router.get("/cases", response=Page[CaseOut], auth=READ, url_name="cases", summary="List cases")
def cases(request: Caller, asked: Query[CasesFilter]) -> Page[CaseOut]:
    """Those the token's person sees: an agent those of their teams and their own, a lead all."""
    return page(asked.narrow(_all().visible_to(request.user)), asked, CaseOut.of, Page[CaseOut])


@router.get("/cases/{int:pk}", response=CaseWithMessages, auth=READ, url_name="case", summary="Get a case")
def case(request: Caller, pk: Id) -> CaseWithMessages:
    """With the numbers of what was said in it."""
    return CaseWithMessages.of(get_object_or_404(_all().visible_to(request.user), pk=pk))


# --- what webhooks are told


def _told(cases: Sequence[Case]) -> Iterable[Built]:
    """As they are now, in one query."""
    for case in _all().filter(pk__in=[each.pk for each in cases]).order_by("pk"):
        yield case.customer_id, CaseOut.of(case)


def register_topics() -> None:
    register(Topic("case.opened", _("A case was opened"), Case, _told))
    register(Topic("case.changed", _("A case changed, or somebody said something in it"), Case, _told))
    register(Topic("case.resolved", _("A case was resolved"), Case, _told))
