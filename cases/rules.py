"""Which rule places a message: pure, on values, so that a batch asks the database once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cases.models import Priority, RoutingRule


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at."""

    channel: int
    text: str
    sentiment: str
    language: str
    tier: str
    reach: int | None = None  # the customer's largest public following; None where none is known


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a case goes, and the rule that said so (None: the channel's own team, at normal priority)."""

    team: int
    priority: int
    rule: int | None


@dataclass(frozen=True)
class Ready:
    """A rule with its conditions prepared for asking many times."""

    rule: RoutingRule
    channels: frozenset[int]
    words: re.Pattern[str] | None = field(default=None)

    def holds(self, facts: Facts) -> bool:
        rule = self.rule
        return (
            (not self.channels or facts.channel in self.channels)
            and (not rule.sentiments or facts.sentiment in rule.sentiments)
            and (not rule.tiers or facts.tier in rule.tiers)
            and (not rule.reach_at_least or (facts.reach or 0) >= rule.reach_at_least)
            and (not rule.languages or facts.language.lower().partition("-")[0] in rule.languages)
            and (self.words is None or self.words.search(facts.text) is not None)
        )


def prepare(rules: Iterable[RoutingRule]) -> list[Ready]:
    """Rules in their order. Words match whole, in any case; a trailing * stands for any ending."""
    return [Ready(rule, frozenset(c.pk for c in rule.channels.all()), _pattern(rule.words)) for rule in rules]


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """None without words. A * alone is no word: a condition of nothing else never holds."""
    stems = [_stem(word.strip()) for word in words if word.strip("* ")]
    return re.compile(rf"(?<!\w)(?:{'|'.join(stems) or '(?!)'})(?!\w)", re.IGNORECASE) if words else None


def _stem(word: str) -> str:
    return re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")


def place(facts: Facts, rules: Sequence[Ready], *, otherwise: int) -> Placement:
    """The first rule that holds; team `otherwise` where none does or the rule names no team."""
    for ready in rules:
        if ready.holds(facts):
            return Placement(ready.rule.team_id or otherwise, ready.rule.priority, ready.rule.pk)
    return Placement(otherwise, Priority.NORMAL, None)
