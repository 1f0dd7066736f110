"""Kept promises: clocks of cases that somebody met, and calls they made by the day they were due.

A clock is theirs who did what ended it: said what acknowledged or answered, or resolved the case, which has stayed
resolved since. A call is theirs who reached the customer in it. Both count in the month in which that was.

The base are all of these, kept or late, and calls of theirs that are still open after their day, in the month of that
day. What was late already when it came to them counts on neither side: a late clock is theirs only where they had done
or said something in the case before it broke, a late call only where they had it before it was due. Days that were
agreed with the customer, or moved on because nobody answered, are the days that count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from cases.models import CaseMessage, Clock
from crm.models import Activity
from surveys.models import Attempt, Call
from surveys.recognition.months import Month

SENT_WITHIN = timedelta(days=7)  # a network may take as long to confirm what was said, and then says when
CALL = Value("call", CharField())
ENDS = (Clock.End.KEPT, Clock.End.BROKEN)
WORDS = {
    Clock.Kind.ACKNOWLEDGE: _("Acknowledged in time"),
    Clock.Kind.ANSWER: _("Answered in time"),
    Clock.Kind.RESOLVE: _("Resolved in time"),
    "call": _("Called by the day it was due"),
}
LATE = {
    Clock.Kind.ACKNOWLEDGE: _("Acknowledged late"),
    Clock.Kind.ANSWER: _("Answered late"),
    Clock.Kind.RESOLVE: _("Resolved late"),
    "call": _("Not called by the day it was due"),
}


@dataclass(frozen=True)
class Promise:
    """One promise of one person. `kind` is that of a clock, or "call"; `pk` is the case's, or the call's."""

    kind: str
    pk: int
    customer: int
    name: str
    at: datetime
    kept: bool

    @property
    def words(self) -> Any:
        return (WORDS if self.kept else LATE)[self.kind]


@dataclass(frozen=True)
class Share:
    """So many promises kept, of so many."""

    kept: int = 0
    of: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.kept + other.kept, self.of + other.of)

    @property
    def percent(self) -> int | None:
        """Rounded down, so that all means all; None of none."""
        return 100 * self.kept // self.of if self.of else None


# What each source says of its rows, besides whose it is (`person`) and which (`promise`): the sort of promise, the pk
# of the case or call, that of the customer and their name, when it ended, and whether it was kept.
FACTS = ("sort", "what", "whom", "name", "moment", "kept")


def shares(people: Collection[int], month: Month, now: datetime) -> dict[int, Share]:
    """Of each of `people`. Four queries, however many."""
    found: dict[int, Share] = defaultdict(Share)
    for source in _sources(people, month, now):
        counted = source.order_by().values("person").annotate(
            n=Count("promise", distinct=True), n_kept=Count("promise", distinct=True, filter=Q(kept=True))
        )  # fmt: skip
        for row in counted.values_list("person", "n_kept", "n"):
            found[row[0]] += Share(row[1], row[2])
    return found


def listed(person: int, month: Month, now: datetime) -> list[Promise]:
    """One by one, the latest first. Four queries."""
    found = {row[0]: Promise(*row[1:]) for source in _sources([person], month, now) for row in _rows(source)}
    return sorted(found.values(), key=lambda each: (each.at, each.kind, each.pk), reverse=True)


def _rows(source: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    """Each with what tells it from all others first."""
    for row in source.order_by("promise").values_list("promise", *FACTS):
        yield ((row[1] == "call", row[0]), *row[1:])


def _sources(people: Collection[int], month: Month, now: datetime) -> list[QuerySet[Any]]:
    return [_said(people, month), _resolved(people, month), _called(people, month), _not_called(people, month, now)]


def _said(people: Collection[int], month: Month) -> QuerySet[CaseMessage]:
    """Clocks that ended with what one of them said: when it was written, or when the network says it was."""
    theirs = CaseMessage.objects.filter(
        message__sent_by__in=people, message__occurred_at__gte=month.start - SENT_WITHIN,
        message__occurred_at__lt=month.end + SENT_WITHIN,
    )  # fmt: skip
    clocks = theirs.annotate(
        promise=F("case__clocks__pk"), sort=F("case__clocks__kind"), end=F("case__clocks__end"),
        moment=F("case__clocks__ended_at"), broken=F("case__clocks__broken_at"), person=F("message__sent_by"),
        what=F("case"), whom=F("case__customer"), name=F("case__customer__name"),
    )  # fmt: skip
    ended = clocks.filter(end__in=ENDS, moment__gte=month.start, moment__lt=month.end).exclude(
        sort=Clock.Kind.RESOLVE
    )  # fmt: skip
    by_it = Q(moment=F("message__occurred_at")) | Q(moment=F("message__delivery__created_at"))
    return _theirs(ended.filter(by_it))


def _resolved(people: Collection[int], month: Month) -> QuerySet[Clock]:
    clocks = Clock.objects.filter(
        kind=Clock.Kind.RESOLVE, end__in=ENDS, ended_at__gte=month.start, ended_at__lt=month.end,
        case__resolved_by__in=people, case__resolved_at=F("ended_at"),
    )  # fmt: skip
    return _theirs(
        clocks.annotate(
            promise=F("pk"), sort=F("kind"), moment=F("ended_at"), broken=F("broken_at"),
            person=F("case__resolved_by"), what=F("case"), whom=F("case__customer"), name=F("case__customer__name"),
        )
    )  # fmt: skip


def _theirs(clocks: QuerySet[Any]) -> QuerySet[Any]:
    """Kept; or late, and in their hands before."""
    did = Activity.objects.filter(
        subject_kind="cases.case", subject_id=OuterRef("what"), by=OuterRef("person"), at__lt=OuterRef("broken")
    )
    spoke = CaseMessage.objects.filter(
        case=OuterRef("what"), message__sent_by=OuterRef("person"), message__occurred_at__lt=OuterRef("broken")
    )
    kept = Q(end=Clock.End.KEPT)
    return clocks.filter(kept | Q(Exists(did)) | Q(Exists(spoke))).annotate(kept=kept)


def _called(people: Collection[int], month: Month) -> QuerySet[Attempt]:
    """In time; or late, and theirs before the day."""
    ended = Attempt.objects.filter(
        by__in=people, outcome=Attempt.Outcome.REACHED, at__gte=month.start, at__lt=month.end,
        call__state=Call.State.DONE, call__ended_at=F("at"),
    )  # fmt: skip
    kept = Q(at__lte=F("call__due_at"))
    had_it = Q(call__owner=F("by"), call__owned_since__lt=F("call__due_at"))
    return ended.filter(kept | had_it).annotate(
        promise=F("call"), sort=CALL, moment=F("at"), person=F("by"), what=F("call"), whom=F("call__customer"),
        name=F("call__customer__name"), kept=kept,
    )  # fmt: skip


def _not_called(people: Collection[int], month: Month, now: datetime) -> QuerySet[Call]:
    open_ones = Call.objects.overdue(now).filter(
        owner__in=people, owned_since__lt=F("due_at"), due_at__gte=month.start, due_at__lt=month.end
    )  # fmt: skip
    return open_ones.annotate(
        promise=F("pk"), sort=CALL, moment=F("due_at"), person=F("owner"), what=F("pk"), whom=F("customer"),
        name=F("customer__name"), kept=Value(False),
    )  # fmt: skip
