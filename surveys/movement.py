"""Who moved between two waves, and what they had lived through in between (docs/drivers.md).

"The same people" are those who answered both. Per cell of the matrix: how many, how many bad experiences, hand-overs
and broken promises they had (`surveys.between`), and the causes of the cases in which they had them; beside those who
stood in the same place and stayed. Promoters who became passive with fewer than two bad experiences are no longer
delighted; who had two or more moved for several bad experiences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext

from cases.models import Cause
from crm.drawing import Table
from crm.models import Customer
from crm.models.customers import CustomerQuerySet
from surveys import between
from surveys.between import GROUPS, SEVERAL, Asked, Place
from surveys.models import SurveySettings

Z = 1.959964  # of the 95 % interval
CAUSES = 3  # named per cell on the page
HEIGHT = {place: n for n, place in enumerate(reversed(GROUPS))}  # a detractor stands lowest
CELLS = f"""
SELECT was, became, count(*), count(*) FILTER (WHERE bad >= {SEVERAL}), sum(bad), sum(bad * bad), sum(handed),
    sum(handed * handed), sum(broken), sum(broken * broken) FROM lived GROUP BY was, became
"""  # noqa: S608 - of constants alone
WHY = """
SELECT person.was, person.became, held.cause_id, count(*) FROM hurt JOIN person USING (customer)
LEFT JOIN cases_case AS held ON held.id = hurt.case_id GROUP BY person.was, person.became, held.cause_id
"""
CHOSEN = f"""
SELECT customer FROM lived WHERE was = %s AND became = %s
    AND CASE %s WHEN 'few' THEN bad < {SEVERAL} WHEN 'several' THEN bad >= {SEVERAL} ELSE true END
"""  # noqa: S608 - of constants alone


@dataclass(frozen=True)
class Mean:
    """So many a person, of `n` people. Its 95 % interval: mean ± 1.96 · √(s² / n), s² the variance of the sample."""

    n: int
    total: int = 0
    squares: int = 0

    @property
    def mean(self) -> float:
        return round(self._exact, 2)

    @property
    def low(self) -> float:
        return round(max(self._exact - self._reach, 0.0), 2)

    @property
    def high(self) -> float:
        return round(self._exact + self._reach, 2)

    @property
    def _exact(self) -> float:
        return self.total / self.n if self.n else 0.0

    @property
    def _reach(self) -> float:
        """Half of the interval; one person alone has none."""
        if self.n < 2:
            return 0.0
        variance = max(self.squares - self.total * self.total / self.n, 0) / (self.n - 1)
        return Z * sqrt(variance / self.n)


@dataclass(frozen=True)
class Because:
    """A cause, None where the case has none yet or there is no case; and how many bad experiences had it."""

    cause: Cause | None
    n: int


@dataclass(frozen=True)
class Cell:
    """The people who went from `was` to `became`; `several` of them had several bad experiences."""

    was: Place
    became: Place
    people: int = 0
    several: int = 0
    bad: Mean = Mean(0)
    handed: Mean = Mean(0)
    broken: Mean = Mean(0)
    causes: Sequence[Because] = ()
    least: int = 0

    @property
    def few(self) -> int:
        return self.people - self.several

    @property
    def shown(self) -> bool:
        """Whether there are enough of them for a figure a person."""
        return self.people >= self.least

    @property
    def steps(self) -> int:
        """Up or down, by so many places; 0 for who stayed, and for who did not answer both."""
        return HEIGHT.get(self.became, 0) - HEIGHT.get(self.was, 0) if self.answered_both else 0

    @property
    def answered_both(self) -> bool:
        return self.was in GROUPS and self.became in GROUPS

    @property
    def stayed(self) -> bool:
        return self.was == self.became

    @property
    def unheard(self) -> bool:
        """Neither wave has an answer of theirs: of such people nothing is told."""
        return self.was not in GROUPS and self.became not in GROUPS

    @property
    def commonest(self) -> Sequence[Because]:
        return self.causes[:CAUSES]

    @property
    def no_longer_delighted(self) -> int:
        """Promoters who became passive without more than one bad experience: nothing went wrong, the delight went."""
        return self.few if (self.was, self.became) == (Place.PROMOTER, Place.PASSIVE) else 0


@dataclass(frozen=True)
class Movement:
    """The matrix of two waves. Nothing of it is shown of fewer than `least` people who answered both."""

    asked: Asked
    least: int
    cells: Mapping[tuple[Place, Place], Cell] = field(default_factory=dict)

    def cell(self, was: Place, became: Place) -> Cell:
        return self.cells.get((was, became)) or Cell(was, became, least=self.least)

    @property
    def rows(self) -> list[tuple[Place, list[Cell]]]:
        """All places by all places, as a table; where nobody answered at all there is nobody to tell of."""
        return [(was, [self.cell(was, became) for became in Place]) for was in Place]

    @property
    def same(self) -> list[Cell]:
        """The nine of the people who answered both, from the top."""
        return [self.cell(was, became) for was in GROUPS for became in GROUPS]

    @property
    def moves(self) -> list[tuple[Cell, Cell]]:
        """Each of the six ways to move that somebody took, beside those of the same place who stayed."""
        return [(cell, self.cell(cell.was, cell.was)) for cell in self.same if cell.people and not cell.stayed]

    @property
    def people(self) -> int:
        return sum(cell.people for cell in self.same)

    @property
    def up(self) -> int:
        return sum(cell.people for cell in self.same if cell.steps > 0)

    @property
    def down(self) -> int:
        return sum(cell.people for cell in self.same if cell.steps < 0)

    @property
    def stayed(self) -> int:
        return sum(cell.people for cell in self.same if cell.stayed)

    @property
    def several(self) -> int:
        """Of those who fell, who had several bad experiences."""
        return sum(cell.several for cell in self.same if cell.steps < 0)

    @property
    def no_longer_delighted(self) -> int:
        return self.cell(Place.PROMOTER, Place.PASSIVE).no_longer_delighted

    @property
    def shown(self) -> bool:
        return self.people >= self.least

    def table(self) -> Table:
        """Each cell in which somebody is, as the page and the file show it: figures a person only of enough people."""
        means = [
            f"{name}{end}"
            for name in (gettext("bad experiences"), gettext("hand-overs"), gettext("broken promises"))
            for end in ("", gettext(" a person"), gettext(", at least"), gettext(", at most"))
        ]
        columns = [gettext("from"), gettext("to"), gettext("people"), gettext("several bad experiences"), *means]
        found = [cell for _was, row in self.rows for cell in row if cell.people] if self.shown else []
        return Table(gettext("Movement"), [*columns, gettext("causes")], [_line(cell) for cell in found])


def _line(cell: Cell) -> list[object]:
    means = [figure for each in (cell.bad, cell.handed, cell.broken) for figure in _figures(each, cell.shown)]
    causes = "; ".join(f"{because.cause or gettext('none yet')}: {because.n}" for because in cell.causes)
    return [str(cell.was.label), str(cell.became.label), cell.people, cell.several, *means, causes]


def _figures(of: Mean, shown: bool) -> list[object]:
    return [of.total, of.mean, of.low, of.high] if shown else [of.total, None, None, None]


def movement(asked: Asked) -> Movement:
    """Four queries, of however many people: the settings, the cells, their causes, and what these are called."""
    least = SurveySettings.current().least
    causes = _causes(between.rows(asked, WHY))
    cells = {}
    for was, became, people, several, *sums in between.rows(asked, CELLS):
        where = Place(was), Place(became)
        bad, handed, broken = (Mean(people, int(n), int(nn)) for n, nn in zip(sums[::2], sums[1::2], strict=True))
        cells[where] = Cell(*where, people, several, bad, handed, broken, causes.get(where, ()), least)
    return Movement(asked, least, cells)


def _causes(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Place, Place], list[Because]]:
    """The commonest causes per cell; what has no cause yet comes last among them."""
    found = list(rows)
    called = Cause.objects.select_related("parent").in_bulk({cause for _, _, cause, _ in found if cause})
    cells: dict[tuple[Place, Place], list[Because]] = {}
    for was, became, cause, n in sorted(found, key=lambda row: (row[2] is None, -row[3], row[2])):
        cells.setdefault((Place(was), Place(became)), []).append(Because(called.get(cause), n))
    return cells


# --- the people of a cell


@dataclass(frozen=True)
class Lived:
    """One person: what they `scored` first, what they score now, and what they had in between."""

    since: datetime
    until: datetime
    scored: int | None
    scores: int | None
    bad: int
    handed: int
    broken: int


def people(asked: Asked, was: Place, became: Place, why: str = "") -> CustomerQuerySet:
    """Who went from `was` to `became`: all, or by `Why`. To be filtered and sorted as any customers."""
    sql, params = between.query(asked, CHOSEN)
    chosen = RawSQL(sql, [*params, was, became, why])  # noqa: S611
    return Customer.objects.filter(pk__in=chosen)


def lived(asked: Asked, customers: Iterable[int]) -> dict[int, Lived]:
    """What these lived through between the waves. One query."""
    if not (whose := list(customers)):
        return {}
    facts = "SELECT customer, since, until, scored, scores, bad, handed, broken FROM lived"
    rows = between.rows(asked, facts, Q(customer__in=whose))
    return {customer: Lived(*rest) for customer, *rest in rows}
