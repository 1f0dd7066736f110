"""What a rule would have done to the last cases, before it is in force. Nothing is written.

All rules of its event are asked twice on the same facts: as they are in force, and with this one in its place. The
facts are, of a message rule, what the customer said first; of another, what is known of the case today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.db.models.functions import Left
from django.utils import timezone

from cases import rules
from cases.models import Case, Clock, Priority, Rule
from channels_app.models import Message
from crm.models import IdentityLink, Team

LAST = 1_000
SHOWN = 50
READ = 2_000  # characters of a message in which words are looked for
Event = Rule.Event
READ_AS = (
    "sentiment", "language", ExpressionWrapper(Q(found_by__isnull=False), BooleanField()), "intent", "topic", "urgency",
    "confidence", "intent_confidence", "topic_confidence", "urgency_confidence",
)  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """An unsaved rule, and what only its form knows of it. `rule.pk` is that of the saved one it would replace."""

    rule: Rule
    channels: frozenset[int] = frozenset()
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Said:
    """What rules look at in a message."""

    text: str = ""
    sentiment: str = ""
    language: str = ""
    found: bool = False
    intent: str = ""
    topic: str = ""
    urgency: str = ""
    sure: rules.Sure = rules.UNSURE


@dataclass(frozen=True, slots=True)
class Standing:
    """What rules make of a case. `team_name` is for who reads it."""

    team: int
    priority: int
    points: int
    skills: frozenset[str]
    team_name: str = field(default="", compare=False)

    @property
    def named_skills(self) -> str:
        return ", ".join(sorted(self.skills))


@dataclass(frozen=True)
class Change:
    """One case that the rule would have changed."""

    case: Case
    before: Standing
    after: Standing


@dataclass
class Report:
    """`held`: its conditions did; `acted`: and no rule before it had stopped; `changed`: cases that end differently."""

    looked: int = 0
    concerned: int = 0  # of these, in which what the rule is about has happened
    held: int = 0
    acted: int = 0
    changed: int = 0
    rows: list[Change] = field(default_factory=list)  # the first of those that changed
    stopped_by: Counter[Rule] = field(default_factory=Counter)  # earlier rules that decide instead
    silences: Counter[Rule] = field(default_factory=Counter)  # later rules that would not be asked any more

    # for templates: to look a method of a Counter up there is to count a word it does not hold
    @property
    def decide_instead(self) -> list[tuple[Rule, int]]:
        return self.stopped_by.most_common()

    @property
    def not_asked(self) -> list[tuple[Rule, int]]:
        return self.silences.most_common()


def try_out(draft: Draft, *, last: int = LAST) -> Report:
    """Seven queries at most, however many cases and rules."""
    trial = _Trial(draft)
    cases = list(_last(last, [each.rule for each in trial.after]))
    said = _said(cases, first=draft.rule.event == Event.MESSAGE)
    clocks = _clocks(draft.rule.event, cases)
    for case in cases:
        trial.report.looked += 1
        if _happened(draft.rule, case, said, clocks):
            trial.look_at(case, _facts(draft.rule.event, case, said, clocks))
    return trial.report


class _Trial:
    """The two lists of rules, and what comes of them."""

    def __init__(self, draft: Draft) -> None:
        in_force = list(Rule.objects.in_force().on(draft.rule.event).prefetch_related("skills"))
        self.draft, self.report = draft, Report()
        self.before = rules.prepare(in_force)
        self.mine = rules.ready(draft.rule, draft.channels)
        self.after = self._in_its_place()
        self.skills = {rule.pk: frozenset(skill.name for skill in rule.skills.all()) for rule in in_force}
        self.teams = dict(Team.objects.values_list("pk", "name"))

    def _in_its_place(self) -> list[rules.Ready]:
        """A new one stands behind others of the same order."""
        mine = self.draft.rule
        others = [each for each in self.before if each.rule.pk != mine.pk]
        place = (mine.position, mine.pk or float("inf"))
        ahead = sum((each.rule.position, each.rule.pk) < place for each in others)
        return [*others[:ahead], self.mine, *others[ahead:]]

    def look_at(self, case: Case, facts: rules.Facts) -> None:
        report = self.report
        was, now = rules.acting(facts, self.before), rules.acting(facts, self.after)
        report.concerned += 1
        if any(rule is self.draft.rule for rule in now):
            report.held += 1
            report.acted += 1
            kept = {rule.pk for rule in now}
            report.silences.update(rule for rule in was if rule.pk not in kept)
        elif self.mine.holds(facts):
            report.held += 1
            report.stopped_by.update([rule for rule in now if rule.stops][-1:])
        change = Change(case, self._come_to(case, was), self._come_to(case, now))
        if change.before != change.after:
            report.changed += 1
            report.rows += [change] if len(report.rows) < SHOWN else []

    def _come_to(self, case: Case, acted: Sequence[Rule]) -> Standing:
        """Where these rules put it: a message rule from the start, another from where it stands."""
        urgent = rules.most_urgent(acted)
        named = urgent.priority if urgent and urgent.priority else None
        if self.draft.rule.event == Event.MESSAGE:
            team, priority = rules.team_of(acted) or case.channel.team_id, named or Priority.NORMAL
        else:
            team, priority = rules.team_of(acted) or case.team_id, min(case.priority, named or case.priority)
        ours = {rule.pk for rule in (*acted, self.draft.rule, *(each.rule for each in self.before))}
        others = (
            [] if self.draft.rule.event == Event.MESSAGE else [r for r in case.reasons if r.get("rule") not in ours]
        )
        skills = frozenset[str]().union(*map(self._skills, acted))
        points = rules.total(rules.with_points(others, acted))
        return Standing(team, priority, points, skills, self.teams.get(team, ""))

    def _skills(self, rule: Rule) -> frozenset[str]:
        return self.draft.skills if rule is self.draft.rule else self.skills.get(rule.pk, frozenset())


# --- facts


def _last(n: int, asking: Iterable[Rule]) -> Iterable[Case]:
    """With what these rules look at."""
    cases = Case.objects.exclude(state=Case.State.MERGED).select_related("customer", "channel", "owner")
    if any(rule.sure_at_least for rule in asking if rule.event != Event.MESSAGE):
        cases = cases.with_sureness()
    if any(rule.reach_at_least for rule in asking):
        cases = cases.annotate(reach=IdentityLink.objects.reach_of("customer_id"))
    return cases.order_by("-opened_at", "-id")[:n]


def _said(cases: Iterable[Case], *, first: bool) -> dict[int, Said]:
    """What the customer of each case said first, or last."""
    order = ("occurred_at", "id") if first else ("-occurred_at", "-id")
    theirs = Message.objects.filter(case_entry__case__in=cases, direction=Message.Direction.IN)
    found = theirs.order_by("case_entry__case", *order).distinct("case_entry__case")
    rows = found.values_list(F("case_entry__case"), Left("text", READ), *READ_AS)
    return {pk: _heard(*facts) for pk, *facts in rows}


def _heard(
    text: str, mood: str, language: str, found: bool, intent: str, topic: str, urgency: str, *sure: float
) -> Said:
    return Said(text, mood, language, found, intent, topic, urgency, rules.Sure(*sure))


def _clocks(event: str, cases: Iterable[Case]) -> dict[int, frozenset[str]]:
    """The promises of each case that came to be at risk, or were broken."""
    if event not in (Event.AT_RISK, Event.BROKEN):
        return {}
    at_risk = Q(risk_told_at__isnull=False) | Q(risk_at__lte=timezone.now()) | Q(broken_at__isnull=False)
    came = Q(broken_at__isnull=False) if event == Event.BROKEN else at_risk
    found: dict[int, frozenset[str]] = {}
    for pk, kind in Clock.objects.filter(came, case__in=cases).values_list("case_id", "kind"):
        found[pk] = found.get(pk, frozenset()) | {kind}
    return found


def _happened(rule: Rule, case: Case, said: dict[int, Said], clocks: dict[int, frozenset[str]]) -> bool:
    """Whether what the rule is about has happened in this case."""
    asks: dict[str, Callable[[], bool]] = {
        Event.MESSAGE: lambda: case.pk in said,
        Event.REOPENED: lambda: case.reopenings > 0,
        Event.ANSWERED: lambda: case.first_answered_at is not None,
        Event.RESOLVED: lambda: case.resolved_at is not None,
        Event.AT_RISK: lambda: case.pk in clocks,
        Event.BROKEN: lambda: case.pk in clocks,
        Event.WAITED: lambda: _waited(case) >= (rule.waited_minutes or 0),
    }
    return asks.get(rule.event, lambda: True)()


def _waited(case: Case) -> int:
    """Minutes until it was first answered or resolved, else until now."""
    waited: timedelta = (case.first_answered_at or case.resolved_at or timezone.now()) - case.opened_at
    return int(waited.total_seconds() // 60)


def _facts(event: str, case: Case, said: dict[int, Said], clocks: dict[int, frozenset[str]]) -> rules.Facts:
    heard = said.get(case.pk, Said())
    first = event == Event.MESSAGE
    state = Case.State.NEW if first else case.state
    if event in (Event.WAITED, Event.AT_RISK, Event.BROKEN) and not case.needs_us:  # it did then
        state = Case.State.OPEN if case.owner_id else Case.State.NEW
    read: Said | Case = heard if first else case
    return rules.Facts(
        case.channel_id, heard.text, read.sentiment, read.language, case.customer.tier, getattr(case, "reach", None),
        case.customer.known_at is not None, state, clocks.get(case.pk, frozenset()),
        _waited(case) if event == Event.WAITED else 0, heard.found, read.intent, read.topic, read.urgency,
        heard.sure if first else rules.Sure.of(case),
    )  # fmt: skip
