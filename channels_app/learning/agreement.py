"""How well Hark reads, by those who looked: the one definition of every figure about it.

Somebody *looked at* an aspect of a message where they put it right or confirmed it; the last word on it counts, in the
week in which it was said. It was read *right* where that word is what Hark had read. Agreement is right / looked at.
Of a class: **read as** asks of those read as it, how many are it; **found** asks of those that are it, how many were
read as it. What was not read at all ("" or unknown) is counted apart. People look where a reading seems wrong, so the
figures say how it is where people looked, not of all messages. Intervals are Wilson's, 95 %.

Weeks begin on Monday, on the clock of whoever asks; the last is the one that runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from channels_app.learning.aspects import COLUMNS, NOT_READ, VALUES
from crm.shares import wilson

WEEKS = 8
WEEK = timedelta(days=7)
COUNTED = """
SELECT aspect, date_trunc('week', at AT TIME ZONE %s)::date AS week, was, now, count(*) FROM (
    SELECT DISTINCT ON (message_id, aspect) aspect, at, was, now FROM channels_app_correction
    WHERE at >= %s AND at < %s ORDER BY message_id, aspect, id DESC
) AS last_word GROUP BY 1, 2, 3, 4
"""


class Share(NamedTuple):
    """`right` of those `looked_at`."""

    right: int
    looked_at: int

    @property
    def share(self) -> float | None:
        """0 to 1; None where nobody looked."""
        return self.right / self.looked_at if self.looked_at else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.right, self.looked_at) if self.looked_at else None


class Mistake(NamedTuple):
    """So many were read as `was` and are `now`."""

    was: str
    now: str
    n: int


@dataclass(frozen=True)
class ClassAgreement:
    """Of one class; `weeks` is `read_as` by week, in the order of the weeks."""

    value: str
    read_as: Share
    found: Share
    weeks: list[Share]


@dataclass(frozen=True)
class Agreement:
    """Of one aspect in the `weeks` from `since` on (each by its Monday)."""

    aspect: str
    since: date
    mondays: list[date]
    zone: str
    all: Share
    weeks: list[Share]
    classes: list[ClassAgreement]
    mistakes: list[Mistake]
    not_read: int
    """Looked at where Hark had read nothing: neither right nor wrong."""


class _Cell(NamedTuple):
    week: date
    was: str
    now: str
    n: int


def agreements(*, weeks: int = WEEKS, today: date | None = None) -> list[Agreement]:
    """Of each aspect, in the last so many weeks. One query."""
    today = today or timezone.localdate()
    this_week = today - timedelta(days=today.weekday())
    mondays = [this_week - WEEK * back for back in range(weeks - 1, -1, -1)]
    cells = _cells(mondays[0], this_week + WEEK)
    return [_agreement(aspect, mondays, [cell for of, cell in cells if of == aspect]) for aspect in COLUMNS]


def _cells(since: date, until: date) -> list[tuple[str, _Cell]]:
    start, end = (timezone.make_aware(datetime.combine(day, time())) for day in (since, until))
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [timezone.get_current_timezone_name(), start, end])
        return [(aspect, _Cell(*cell)) for aspect, *cell in cursor.fetchall()]


def _agreement(aspect: str, mondays: list[date], cells: list[_Cell]) -> Agreement:
    read = [cell for cell in cells if cell.was not in NOT_READ]
    known = VALUES.get(aspect, ())
    met = {value for cell in read for value in (cell.was, cell.now)}
    return Agreement(
        aspect=aspect, since=mondays[0], mondays=mondays, zone=timezone.get_current_timezone_name(),
        all=_share(read), weeks=[_share(cell for cell in read if cell.week == monday) for monday in mondays],
        classes=[_class(value, mondays, read) for value in (*known, *sorted(met.difference(known)))],
        mistakes=_mistakes(read), not_read=sum(cell.n for cell in cells) - sum(cell.n for cell in read),
    )  # fmt: skip


def _share(cells: Iterable[_Cell]) -> Share:
    cells = list(cells)
    return Share(sum(cell.n for cell in cells if cell.was == cell.now), sum(cell.n for cell in cells))


def _class(value: str, mondays: list[date], read: list[_Cell]) -> ClassAgreement:
    read_as = [cell for cell in read if cell.was == value]
    return ClassAgreement(
        value, _share(read_as), _share(cell for cell in read if cell.now == value),
        [_share(cell for cell in read_as if cell.week == monday) for monday in mondays],
    )  # fmt: skip


def _mistakes(read: list[_Cell]) -> list[Mistake]:
    """Those made most often first."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in read:
        if cell.was != cell.now:
            counts[cell.was, cell.now] += cell.n
    return [Mistake(*pair, n) for pair, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
