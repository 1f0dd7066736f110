"""How well Hark reads, drawn: each picture beside the table of the same numbers, which the CSV holds too.

The figures are those of `learning.agreement`. All measures are in the units of the picture (its viewBox); down is
larger, as in SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from channels_app.learning.agreement import Agreement, ClassAgreement, Share
from channels_app.models.learning import Aspect
from channels_app.readings import named
from crm import drawing
from crm.drawing import Table

WIDTH, HEIGHT, NAMED = 720, 160, 8
BAR = 400
LEAST = 10
"""Of fewer that were looked at, a share says little: it is drawn pale, and says so."""


@dataclass(frozen=True)
class Dot:
    """A week: its share at `y`, its interval from `low` to `high`."""

    of: Share
    week: date
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Trend:
    """`lines` are the points of a polyline each: it breaks where nobody looked."""

    dots: list[Dot]
    lines: list[str]
    names: list[tuple[float, date]]
    ticks: Sequence[tuple[float, int]] = tuple((HEIGHT * (1 - value / 100), value) for value in (0, 50, 100))
    width: int = WIDTH


def trend(found: Agreement) -> Trend:
    step = WIDTH / len(found.mondays)
    every = math.ceil(len(found.mondays) / NAMED)
    places = [(round((n + 0.5) * step, 1), monday) for n, monday in enumerate(found.mondays)]
    dots = [_dot(x, monday, of) for (x, monday), of in zip(places, found.weeks, strict=True) if of.looked_at]
    return Trend(dots, drawing.lines((x for x, _week in places), dots), places[::-1][::every])


def _dot(x: float, week: date, of: Share) -> Dot:
    low, high = of.interval or (0.0, 0.0)
    y, low, high = (round(HEIGHT * (1 - value), 1) for value in (of.share or 0.0, low, high))
    return Dot(of, week, x, y, low, high)


@dataclass(frozen=True)
class Bar:
    """A class: how many of those read as it are it."""

    of: ClassAgreement
    name: str
    width: float
    low: float
    high: float

    @property
    def is_thin(self) -> bool:
        return self.of.read_as.looked_at < LEAST


def bars(found: Agreement) -> list[Bar]:
    """Of the classes anybody looked at."""
    return [_bar(found.aspect, each) for each in found.classes if each.read_as.looked_at or each.found.looked_at]


def _bar(aspect: str, of: ClassAgreement) -> Bar:
    low, high = of.read_as.interval or (0.0, 0.0)
    return Bar(of, named(aspect, of.value), *(round(BAR * each, 1) for each in (of.read_as.share or 0.0, low, high)))


# --- the same as tables


def percent(share: float | None) -> float | None:
    """With one decimal; None of nothing."""
    return None if share is None else round(100 * share, 1)


def _told(of: Share) -> tuple[object, ...]:
    low, high = of.interval or (None, None)
    return of.looked_at, of.right, percent(of.share), percent(low), percent(high)


def _weeks(found: Agreement) -> Table:
    columns = (_("Week from"), _("Looked at"), _("Right"), _("Right, %"), _("At least, %"), _("At most, %"))
    rows = [(date_format(week, "Y-m-d"), *_told(of)) for week, of in zip(found.mondays, found.weeks, strict=True)]
    return Table(_("Right by week"), columns, rows)


def _classes(found: Agreement) -> Table:
    columns = (
        _("Class"), _("Read as it"), _("Of these right"), _("Right, %"), _("At least, %"), _("At most, %"),
        _("Are it"), _("Of these found"), _("Found, %"),
    )  # fmt: skip
    rows = [
        (named(found.aspect, of.value), *_told(of.read_as), of.found.looked_at, of.found.right, percent(of.found.share))
        for of in found.classes
    ]
    return Table(_("Right by class"), columns, rows)


def _class_weeks(found: Agreement) -> Table:
    columns = (_("Class"), _("Week from"), _("Looked at"), _("Right"), _("Right, %"), _("At least, %"), _("At most, %"))
    rows = [
        (named(found.aspect, of.value), date_format(week, "Y-m-d"), *_told(share))
        for of in found.classes for week, share in zip(found.mondays, of.weeks, strict=True)
    ]  # fmt: skip
    return Table(_("Right by class and week"), columns, rows)


def _mistakes(found: Agreement) -> Table:
    rows = [(named(found.aspect, each.was), named(found.aspect, each.now), each.n) for each in found.mistakes]
    return Table(_("Where it goes wrong"), (_("Read as"), _("Is"), _("Times")), rows)


TABLES = {"trend": _weeks, "classes": _classes, "class_weeks": _class_weeks, "mistakes": _mistakes}


def table(found: Agreement, key: str) -> Table:
    return TABLES[key](found)


def tables(found: Agreement) -> dict[str, Table]:
    return {key: table(found, key) for key in TABLES}


def of_aspect(found: Sequence[Agreement], aspect: Aspect) -> Agreement:
    return next(each for each in found if each.aspect == aspect)
