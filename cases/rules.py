"""Which rules act: pure, on values, so that a batch asks the database once; `cases.rules_engine` does what they say."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cases.models import Case, Priority, Rule
from channels_app.models import Message

LEAST, MOST = -1000, 600  # what the points of all rules of one case may come to


class Sure(NamedTuple):
    """How surely each was read, 0 to 1."""

    mood: float = 0.0
    intent: float = 0.0
    topic: float = 0.0
    urgency: float = 0.0

    @classmethod
    def of(cls, case: Case) -> Sure:
        """Of a case that came `with_sureness()`; not sure at all of any other."""
        return cls(*(getattr(case, f"sure_{name}", 0.0) for name in cls._fields))


UNSURE = Sure()


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at."""

    channel: int
    text: str
    sentiment: str
    language: str
    tier: str
    reach: int | None = None  # the customer's largest public following; None where none is known
    known: bool = False  # we know who it is, not only a handle
    state: str = ""  # of the case, before what happened
    promises: frozenset[str] = frozenset()  # the kinds of promises it is about
    waited: int = 0  # minutes since it has been our turn
    found: bool = False  # a search of ours found it: they did not write to us
    intent: str = ""
    topic: str = ""
    urgency: str = ""
    sure: Sure = UNSURE

    @classmethod
    def said(cls, message: Message, *, channel: int, tier: str, reach: int | None, known: bool, state: str) -> Facts:
        """What a message tells, and of whom it is."""
        sure = Sure(message.confidence, message.intent_confidence, message.topic_confidence, message.urgency_confidence)
        return cls(
            channel, message.text, message.sentiment, message.language, tier, reach, known, state,
            found=message.found_by_id is not None, intent=message.intent, topic=message.topic,
            urgency=message.urgency, sure=sure,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a case goes, and the rule that said so (None: the channel's own team, at normal priority)."""

    team: int
    priority: int
    rule: int | None
    acted: tuple[Rule, ...] = field(default=(), compare=False)  # all that had a say, in their order


@dataclass(frozen=True)
class Ready:
    """A rule with its conditions prepared for asking many times."""

    rule: Rule
    channels: frozenset[int]
    words: re.Pattern[str] | None = field(default=None)

    def holds(self, facts: Facts) -> bool:
        rule = self.rule
        return (
            (not self.channels or facts.channel in self.channels)
            and (not rule.sentiments or facts.sentiment in rule.sentiments)
            and (not rule.intents or facts.intent in rule.intents)
            and (not rule.topics or facts.topic in rule.topics)
            and (not rule.urgencies or facts.urgency in rule.urgencies)
            and (not rule.sure_at_least or self._is_sure(facts.sure, rule.sure_at_least))
            and (not rule.tiers or facts.tier in rule.tiers)
            and (rule.known is None or facts.known == rule.known)
            and (rule.found is None or facts.found == rule.found)
            and (not rule.reach_at_least or (facts.reach or 0) >= rule.reach_at_least)
            and (not rule.languages or facts.language.lower().partition("-")[0] in rule.languages)
            and (not rule.states or facts.state in rule.states)
            and (not rule.promises or not facts.promises.isdisjoint(rule.promises))
            and facts.waited >= (rule.waited_minutes or 0)
            and (self.words is None or self.words.search(facts.text) is not None)
        )

    def _is_sure(self, sure: Sure, percent: int) -> bool:
        """Each that is asked for, in the whole percents that people see."""
        rule = self.rule
        asked = zip((rule.sentiments, rule.intents, rule.topics, rule.urgencies), sure, strict=True)
        return all(round(100 * confidence) >= percent for values, confidence in asked if values)


def prepare(rules: Iterable[Rule]) -> list[Ready]:
    """Rules in their order. Words match whole, in any case; a trailing * stands for any ending."""
    return [ready(rule, (channel.pk for channel in rule.channels.all())) for rule in rules]


def ready(rule: Rule, channels: Iterable[int]) -> Ready:
    """One rule; with the channels it is about, since an unsaved one cannot tell them."""
    return Ready(rule, frozenset(channels), _pattern(rule.words))


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """None without words. A * alone is no word: a condition of nothing else never holds."""
    stems = [_stem(word.strip()) for word in words if word.strip("* ")]
    return re.compile(rf"(?<!\w)(?:{'|'.join(stems) or '(?!)'})(?!\w)", re.IGNORECASE) if words else None


def _stem(word: str) -> str:
    return re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")


def acting(facts: Facts, rules: Sequence[Ready], *, done: Container[int | None] = ()) -> list[Rule]:
    """Those that act, in their order, until one of those that stop did; `done` have acted on this occasion before.

    What stops after an hour's wait does not stop what waits for two.
    """
    acts: list[Rule] = []
    ended: int | None = None
    for each in rules:
        rule, waits = each.rule, each.rule.waited_minutes or 0
        if ended is not None and waits <= ended:
            continue
        if rule.pk not in done:
            if not each.holds(facts):
                continue
            acts.append(rule)
        if rule.stops:
            ended = max(ended or 0, waits)
    return acts


def place(facts: Facts, rules: Sequence[Ready], *, otherwise: int) -> Placement:
    """What all that act come to: the first team named, the most urgent priority named; else `otherwise` and normal."""
    acted = acting(facts, rules)
    urgent = most_urgent(acted)
    said_so = urgent or next((rule for rule in acted if rule.team_id), None) or next(iter(acted), None)
    priority = (urgent and urgent.priority) or Priority.NORMAL
    return Placement(team_of(acted) or otherwise, priority, said_so.pk if said_so else None, tuple(acted))


def most_urgent(rules: Iterable[Rule]) -> Rule | None:
    """The first of those that name the most urgent priority; None where none names any."""
    return min((rule for rule in rules if rule.priority), key=lambda rule: rule.priority or 0, default=None)


def team_of(rules: Iterable[Rule]) -> int | None:
    """The first team that is named."""
    return next((rule.team_id for rule in rules if rule.team_id), None)


def with_points(reasons: Sequence[dict[str, Any]], rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """`reasons` and those of `rules` that give points; a rule gives them once per case."""
    given = {reason["rule"] for reason in reasons if "rule" in reason}
    return [
        *reasons,
        *({"rule": rule.pk, "points": rule.points, "why": rule.name}
          for rule in rules if rule.points and rule.pk not in given),
    ]  # fmt: skip


def total(reasons: Iterable[dict[str, Any]]) -> int:
    """What the points come to, within the bounds of the database."""
    return max(LEAST, min(MOST, sum(int(reason.get("points", 0)) for reason in reasons)))
