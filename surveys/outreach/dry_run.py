"""What a rule of who calls would have done with the last answers, before it is in force. Nothing is written.

All rules are asked twice about the same answers: as they are in force, and with this one in its place. Asked is what
the record says of these customers today. Who may not be called, or stands for nobody any more, is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crm import consent
from crm.models import Purpose
from surveys.models import Call, CallRule, Response
from surveys.outreach import callers, follow_ups, records, rules

LAST = 500
A_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Said:
    """One answer: of whom, when, and what rules make of it."""

    customer: int
    group: str
    at: datetime


@dataclass
class Report:
    """`held`: its conditions did; `decided`: and no rule before it. `changed`: who calls, or within how many days."""

    room: callers.Room  # of those who would call
    looked: int = 0
    not_called: int = 0  # of these, who may not be called
    held: int = 0
    decided: int = 0
    changed: int = 0
    span: timedelta = timedelta(0)
    before: Counter[str] = field(default_factory=Counter)  # kind of caller → answers
    after: Counter[str] = field(default_factory=Counter)
    earlier: Counter[CallRule] = field(default_factory=Counter)  # rules that decide instead

    @property
    def a_week(self) -> int:
        """Names this rule would give, at the pace of these answers; all of them where they came within a week."""
        return round(self.decided * A_WEEK / max(self.span, A_WEEK))

    @property
    def too_many(self) -> bool:
        return self.a_week > self.room.names

    @property
    def callers(self) -> list[tuple[str, int, int]]:
        """(who calls, answers before, answers after), for each kind of caller."""
        return [(str(to.label), self.before[to.value], self.after[to.value]) for to in Call.To]

    @property
    def decide_instead(self) -> list[tuple[CallRule, int]]:
        return self.earlier.most_common()


def try_out(rule: CallRule, *, last: int = LAST) -> Report:
    """`rule` as it is filled in; its pk is that of the one it would replace. Nine queries, however many answers."""
    now, trial = _in_force(), _in_its_place(rule)
    said, not_called = _last(last)
    facts = follow_ups.facts_of({each.customer: each.group for each in said})
    report = Report(callers.room(rule.to), looked=len(said) + not_called, not_called=not_called)
    if said:
        report.span = said[0].at - said[-1].at
    for each in said:
        _look_at(report, rule, replace(facts[each.customer], group=each.group), now, trial)
    return report


def _look_at(
    report: Report, rule: CallRule, facts: rules.Facts, now: Sequence[CallRule], trial: Sequence[CallRule]
) -> None:
    was, would = rules.decide(now, facts), rules.decide(trial, facts)
    report.before[was.to] += 1
    report.after[would.to] += 1
    report.changed += (was.to, was.days) != (would.to, would.days)
    if rules.choose([rule], facts) is None:
        return
    report.held += 1
    if would.rule is rule:
        report.decided += 1
    elif would.rule is not None:
        report.earlier[would.rule] += 1


def _in_force() -> list[CallRule]:
    return list(CallRule.objects.filter(stopped_at=None))


def _in_its_place(rule: CallRule) -> list[CallRule]:
    """A new one stands behind the others; one that is stopped is tried as if it were not."""
    rule.stopped_at = None
    others = [each for each in _in_force() if each.pk != rule.pk]
    if rule.pk is None:
        rule.position = 1 + max((each.position for each in others), default=0)
    return [*others, rule]


def _last(number: int) -> tuple[list[Said], int]:
    """The newest answers of those who may be called, newest first; and how many of others there are among them."""
    newest = Response.objects.owed_a_call().order_by("-finished_at", "-pk")
    found = newest.values_list("invitation__customer", "group", "finished_at")[:number]
    rows = [Said(customer, group, at) for customer, group, at in found if at]
    stands = records.standing({row.customer for row in rows})
    against = consent.against(set(stands.values()), Purpose.CALL)
    said = [replace(row, customer=stands[row.customer]) for row in rows if stands[row.customer] not in against]
    return said, len(rows) - len(said)
