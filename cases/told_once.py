"""How often the story is told once: every figure of the page "Told once" and of its file is defined here.

All figures of a week are about the cases that were opened in it, on the clock of who looks, whatever became of them
later: so a hand-over is counted against the cases it could have happened in. Joined cases count as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import add
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncWeek
from django.utils import timezone

from cases.models import Case, Commitment, HandOver

WEEKS = 12


@dataclass(frozen=True)
class Figures:
    """`handed`: hand-overs that were accepted. `overdue`: commitments that stand and whose time is over."""

    cases: int = 0
    handed: int = 0
    returned: int = 0
    repeats: int = 0
    promised: int = 0
    kept: int = 0
    dropped: int = 0
    overdue: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def handed_per_case(self) -> float | None:
        """None without a case to have it in."""
        return self.handed / self.cases if self.cases else None


@dataclass(frozen=True)
class Told:
    """By (Monday of the week, name of the team), from `start` on; weeks without a case are there as well."""

    start: date
    cells: dict[tuple[date, str], Figures]

    @property
    def weeks(self) -> list[tuple[date, Figures]]:
        """Newest first."""
        mondays = [self.start + timedelta(weeks=n) for n in range(WEEKS)][::-1]
        return [(monday, total(f for (week, _team), f in self.cells.items() if week == monday)) for monday in mondays]

    @property
    def teams(self) -> list[tuple[str, Figures]]:
        names = sorted({team for _week, team in self.cells})
        return [(name, total(f for (_week, team), f in self.cells.items() if team == name)) for name in names]

    @property
    def whole(self) -> Figures:
        return total(self.cells.values())


def total(figures: Iterable[Figures]) -> Figures:
    return reduce(add, figures, Figures())


def told_once(now: datetime) -> Told:
    """The last twelve weeks, this one included, in the current time zone. Three queries."""
    today = timezone.localtime(now).date()
    start = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    since = timezone.make_aware(datetime.combine(start, time()))
    cells: dict[tuple[date, str], Figures] = {}
    for (week, team), found in [*_of_cases(since), *_of_hand_overs(since), *_of_commitments(since, now)]:
        cells[week, team] = cells.get((week, team), Figures()) + found
    return Told(start, cells)


Cells = Iterator[tuple[tuple[date, str], Figures]]


def _of_cases(since: datetime) -> Cells:
    cases = Case.objects.filter(opened_at__gte=since).exclude(state=Case.State.MERGED).order_by()
    rows = cases.values(week=TruncWeek("opened_at"), called=F("team__name"))
    for row in rows.annotate(n=Count("pk"), handed=Sum("hand_overs"), again=Sum("repeats")):
        yield _cell(row), Figures(cases=row["n"], handed=row["handed"], repeats=row["again"])


def _of_hand_overs(since: datetime) -> Cells:
    returned = HandOver.objects.filter(state=HandOver.State.RETURNED, case__opened_at__gte=since)
    for row in _by_case(returned).annotate(n=Count("pk")):
        yield _cell(row), Figures(returned=row["n"])


def _of_commitments(since: datetime, now: datetime) -> Cells:
    made = Commitment.objects.filter(case__opened_at__gte=since)
    kept, dropped = Q(kept_at__isnull=False), Q(dropped_at__isnull=False)
    over = Q(kept_at=None, dropped_at=None, until__lte=now)
    rows = _by_case(made).annotate(
        n=Count("pk"), kept=Count("pk", filter=kept), gone=Count("pk", filter=dropped), late=Count("pk", filter=over)
    )
    for row in rows:
        yield _cell(row), Figures(promised=row["n"], kept=row["kept"], dropped=row["gone"], overdue=row["late"])


def _by_case(rows: Any) -> Any:
    standing = rows.exclude(case__state=Case.State.MERGED).order_by()
    return standing.values(week=TruncWeek("case__opened_at"), called=F("case__team__name"))


def _cell(row: Mapping[str, Any]) -> tuple[date, str]:
    return row["week"].date(), row["called"]
