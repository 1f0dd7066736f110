"""Saved customers: detractors who no longer were in their next answer, after somebody had called or helped them.

A customer is saved in the month of that next answer, by everybody who in between reached them in a call or resolved a
case of theirs which stayed resolved. Answers are recommendations from 0 to 10 that count in figures (`trusted`), of any
survey; between the two there is no other. One save per person, customer and answer, however much they did for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from cases.models import Case
from surveys.models import Attempt, Group, Response
from surveys.recognition.months import Month


@dataclass(frozen=True)
class Deed:
    """What somebody did in between: `kind` is "call" or "case", `pk` its number."""

    kind: str
    pk: int
    at: datetime
    about: str = ""


@dataclass(frozen=True)
class Turn:
    """A detractor's answer and the next, which is none of a detractor any more. `pk` is that of the next."""

    pk: int
    customer: int
    name: str
    at: datetime
    score: int
    was_pk: int
    was_at: datetime
    was_score: int


@dataclass
class Saved:
    """One customer saved by one of us, and by what."""

    person: int
    turn: Turn
    deeds: list[Deed] = field(default_factory=list)


def by_person(people: Collection[int], month: Month) -> dict[int, list[Saved]]:
    """Whom each of `people` saved in this month, the latest first. Three queries, however many."""
    turns = list(turned(people, month))
    found: dict[tuple[int, int], Saved] = {}
    for person, customer, deed in sorted(_deeds(people, turns), key=lambda each: each[2].at):
        for turn in turns:
            if turn.customer == customer and turn.was_at < deed.at < turn.at:
                found.setdefault((person, turn.pk), Saved(person, turn)).deeds.append(deed)
    saved: dict[int, list[Saved]] = defaultdict(list)
    for each in sorted(found.values(), key=lambda each: (each.turn.at, each.turn.pk), reverse=True):
        saved[each.person].append(each)
    return saved


def turned(people: Collection[int], month: Month) -> Iterable[Turn]:
    """Of customers for whom any of `people` did something: who turned in this month. One query."""
    after = Response.objects.finished().scored().trusted().filter(
        finished_at__gte=month.start, finished_at__lt=month.end
    )  # fmt: skip
    after = after.exclude(group=Group.DETRACTOR).filter(_touched(people))
    before = _previous()
    rows: QuerySet[Any] = after.annotate(
        was=Subquery(before.values("pk")[:1]), was_score=Subquery(before.values("score")[:1]),
        was_at=Subquery(before.values("finished_at")[:1]),
    )  # fmt: skip
    detractors = Response.objects.filter(group=Group.DETRACTOR).values("pk")
    facts: Any = rows.filter(was__in=detractors).order_by("pk").values_list(
        "pk", "invitation__customer", "invitation__customer__name", "finished_at", "score", "was", "was_at", "was_score"
    )  # fmt: skip
    return (Turn(*each) for each in facts)


def _previous() -> QuerySet[Response]:
    """The answer of the same customer before the one outside."""
    theirs = Response.objects.finished().scored().trusted()
    earlier = theirs.filter(
        invitation__customer=OuterRef("invitation__customer"), finished_at__lt=OuterRef("finished_at")
    )  # fmt: skip
    return earlier.order_by("-finished_at", "-pk")


def _touched(people: Collection[int]) -> Any:
    called = Attempt.objects.filter(
        call__customer=OuterRef("invitation__customer"), by__in=people, outcome=Attempt.Outcome.REACHED
    )  # fmt: skip
    return Exists(called) | Exists(
        Case.objects.filter(customer=OuterRef("invitation__customer"), resolved_by__in=people)
    )  # fmt: skip


def _deeds(people: Collection[int], turns: Collection[Turn]) -> Iterable[tuple[int, int, Deed]]:
    """(person, customer, what they did), of all these turns together. Two queries."""
    if not turns:
        return
    customers = {turn.customer for turn in turns}
    within = (min(turn.was_at for turn in turns), max(turn.at for turn in turns))
    calls = Attempt.objects.filter(
        by__in=people, outcome=Attempt.Outcome.REACHED, call__customer__in=customers, at__range=within
    )  # fmt: skip
    for person, customer, pk, at in calls.order_by("pk").values_list("by", "call__customer", "call", "at"):
        yield person, customer, Deed("call", pk, at)
    cases = Case.objects.filter(customer__in=customers, resolved_by__in=people, resolved_at__range=within).order_by()
    facts = cases.values_list("resolved_by", "customer", "pk", "resolved_at", "subject")
    for by, customer, pk, resolved_at, about in facts:
        if by and resolved_at:
            yield by, customer, Deed("case", pk, resolved_at, about)
