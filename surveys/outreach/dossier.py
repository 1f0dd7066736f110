"""All that one has to know of a customer before one calls them. A fixed number of queries, however much there is.

Whoever has the call reads it: what this customer answered, and which cases of theirs are open, also where they see
neither results nor cases otherwise. Where a case is not theirs to open it is named, without a way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from cases import accounts
from cases.models import Case, Commitment, Lead
from channels_app import timeline
from channels_app.models import Message, Sentiment
from crm import consent
from crm.accounts import Health
from crm.glance import stakes
from crm.models import Customer, Purpose, Stakeholder, User
from surveys.models import ActionPlan, Answer, Attempt, Call, Group, GroupAnswer, GroupRequest, Response, Theme, Tone
from surveys.outreach import calling, hashtags, hours, listing, second
from surveys.outreach.hours import Window
from surveys.outreach.listing import Card

EVENTS, CASES, POSTS, EARLIER, LEADS = 3, 5, 3, 10, 3  # shown at once; of cases it says how many more there are
MOST_CASES = 100  # counted
WANTED = {Group.PROMOTER: Tone.PRAISE, Group.DETRACTOR: Tone.CRITICISM}
MOODS = {Group.PROMOTER: Sentiment.POSITIVE, Group.DETRACTOR: Sentiment.NEGATIVE}


@dataclass(frozen=True)
class Said:
    """One answered survey of theirs that this call follows: their words, and what they praised and criticised."""

    response: Response
    words: list[str]
    praised: list[str]
    criticised: list[str]

    @property
    def why(self) -> list[str]:
        """What their score is for: of a detractor what went wrong, of everybody else what they like."""
        return self.criticised if self.response.group == Group.DETRACTOR else self.praised


@dataclass(frozen=True)
class OpenCase:
    """`promises` stand on it; `opens`: whether the reader may go there."""

    case: Case
    promises: list[Commitment]
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

    `to_tell`: for a second call what groups answered, each once; `has_come`: what they asked for and has changed since.
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
    customer, said = call.customer.survivor, _said(call)
    cases = _cases(customer, by)
    return Dossier(
        call=call, customer=customer, card=card(call, now), said=said,
        why_not=_why_not(call, customer), has_number=calling.phone_of(customer) is not None,
        posts=_posts(customer, said[0].response.group if said else call.group),
        cases=cases[:CASES], more_cases=max(len(cases) - CASES, 0),
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


# --- what they said


def _said(call: Call) -> list[Said]:
    """The newest first. Three queries."""
    themes = Prefetch("themes", Theme.objects.standing().select_related("cause__parent"), to_attr="standing")
    comments = Answer.objects.verbatims().prefetch_related(themes).order_by("question__position", "pk")
    found = Response.objects.filter(follow_ups__call=call).distinct().select_related("invitation__wave")
    rows = found.prefetch_related(Prefetch("answers", comments, to_attr="comments")).order_by("-finished_at", "-pk")
    return [_one(response) for response in rows]


def _one(response: Response) -> Said:
    comments: list[Answer] = response.comments  # type: ignore[attr-defined]
    themes: list[Theme] = [theme for comment in comments for theme in comment.standing]  # type: ignore[attr-defined]
    of_tone = {tone: _names(theme for theme in themes if theme.tone == tone) for tone in Tone}
    return Said(response, [each.text for each in comments], of_tone[Tone.PRAISE], of_tone[Tone.CRITICISM])


def _names(themes: Iterable[Theme]) -> list[str]:
    return list(dict.fromkeys(str(theme.cause or theme.get_topic_display()) for theme in themes))


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


def _stakes(customer: Customer, by: User, now: datetime) -> list[Stake]:
    """What they are to accounts; how those are, for who looks after accounts or leads. Five queries at most."""
    found = stakes(customer)
    sees = by.leads or by.role == "sales"
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


# --- how one may begin


def opening(facts: Dossier, by: User) -> str:
    """A sentence or two to begin with, made of what is known; what is not known is not said."""
    if facts.call.kind == Call.Kind.SECOND:
        return _second(facts, by)
    said = facts.said[0] if facts.said else None
    if said is None:
        return _hello(facts, by)
    return " ".join(filter(None, [_hello(facts, by), _thanks(said), _about(said), _of_cases(facts), _asks(said)]))


def _hello(facts: Dossier, by: User) -> str:
    name = facts.customer.given_name or facts.customer.name
    return _("Hello {name}, this is {who}.").format(name=name, who=by.get_full_name() or by)


def _thanks(said: Said) -> str:
    at = said.response.finished_at
    day = date_format(timezone.localtime(at), "j F") if at else ""
    sentence = _("Thank you for your answer of {day}: you gave us {score} of 10.")
    return sentence.format(day=day, score=said.response.score) if day else _("Thank you for your answer.")


def _about(said: Said) -> str:
    if not said.why:
        return ""
    what = get_text_list([name.lower() for name in said.why[:3]], _("and"))
    if said.response.group == Group.DETRACTOR:
        return _("You were unhappy about this: {what}.").format(what=what)
    return _("You liked this: {what}.").format(what=what)


def _of_cases(facts: Dossier) -> str:
    """Who is called while something is still open has to hear that we know."""
    if not facts.cases:
        return ""
    if len(facts.cases) + facts.more_cases > 1:
        return _("I know that we still owe you answers.")
    return _("I know that this is still open: {title}.").format(title=facts.cases[0].case.title)


def _asks(said: Said) -> str:
    questions = {
        Group.PROMOTER: _("What should we never change?"),
        Group.PASSIVE: _("What would have made it a ten?"),
        Group.DETRACTOR: _("I am sorry that it was not better. What went wrong?"),
    }
    return questions.get(Group(said.response.group), "") if said.response.group else ""


def _second(facts: Dossier, by: User) -> str:
    """They spoke to somebody; those who can do something about it have answered since, or have done it."""
    groups = list(dict.fromkeys(str(answer.group) for answer in facts.to_tell))
    if not (groups or facts.has_come):
        return _hello(facts, by)
    return " ".join(filter(None, [_hello(facts, by), _spoke(facts), _asked_of(groups), _has_come(facts)]))


def _spoke(facts: Dossier) -> str:
    spoke = next((each.attempt for each in facts.earlier if each.attempt.outcome == Attempt.Outcome.REACHED), None)
    if spoke is None:
        return _("You told us what you think.")
    day = date_format(timezone.localtime(spoke.at), "j F")
    return _("On {day} you told us what you think.").format(day=day)


def _asked_of(groups: Sequence[str]) -> str:
    if not groups:
        return ""
    return _("We asked {groups}, and I can tell you what came of it.").format(groups=get_text_list([*groups], _("and")))


def _has_come(facts: Dossier) -> str:
    return _("Something you asked for has changed since.") if facts.has_come else ""
