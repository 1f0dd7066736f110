"""The Net Promoter Score, and how sure we are of it: the one definition that screen, CSV and API share.

A promoter answers 9 or 10, a passive 7 or 8, a detractor 0 to 6; the score is the percentage of promoters less that of
detractors (F. Reichheld, "The One Number You Need to Grow", Harvard Business Review, December 2003). It stands between
-100 and +100. Whoever gave a number counts, finished or not.

Each answer stands for as many customers as its invitation's weight says: one over the chance of being drawn. All
percentages and scores here are weighted so and rounded to one decimal; `n` always counts answers as they are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from django.db.models import Count, F, Sum
from django.utils.functional import cached_property

from surveys.models import Group
from surveys.models.answers import DETRACTOR, PROMOTER, ResponseQuerySet

DOUBT = 0.05  # the interval misses the truth one time in twenty
SCORES = range(11)
WEIGHT = F("invitation__weight")
SUMS = {"n": Count("pk"), "w": Sum(WEIGHT), "ww": Sum(WEIGHT * WEIGHT)}


def group_of(score: int) -> Group:
    """As the database says it (`Response.group`)."""
    return Group.PROMOTER if score >= PROMOTER else Group.DETRACTOR if score <= DETRACTOR else Group.PASSIVE


# --- what is summed


@dataclass(frozen=True)
class Part:
    """Answers of one group or one number: how many, the sum of their weights and of the squares of these."""

    n: int = 0
    weight: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Part) -> Part:
        return Part(self.n + other.n, self.weight + other.weight, self.squares + other.squares)

    def __sub__(self, other: Part) -> Part:
        if self.n == other.n:  # nothing is left: no rest of a rounding either
            return Part()
        return Part(self.n - other.n, self.weight - other.weight, self.squares - other.squares)


@dataclass(frozen=True)
class Tally:
    """All answers that a score is made of."""

    promoters: Part = Part()
    passives: Part = Part()
    detractors: Part = Part()

    @classmethod
    def of(cls, parts: Iterable[tuple[str, Part]]) -> Tally:
        """From the parts of groups, in any order and cut as finely as one likes."""
        sums: dict[str, Part] = defaultdict(Part)
        for group, part in parts:
            sums[group] += part
        return cls(sums[Group.PROMOTER], sums[Group.PASSIVE], sums[Group.DETRACTOR])

    def __sub__(self, other: Tally) -> Tally:
        """Those who are not among `other`."""
        return Tally(
            self.promoters - other.promoters, self.passives - other.passives, self.detractors - other.detractors
        )

    @cached_property
    def all(self) -> Part:
        return self.promoters + self.passives + self.detractors

    @property
    def n(self) -> int:
        return self.all.n

    @property
    def base(self) -> float:
        """Answers worth as much as these if each stood for as many: L. Kish, Survey Sampling, 1965, 11.7."""
        return self.all.weight**2 / self.all.squares

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of promoters, passives and detractors, from 0 to 1."""
        parts = (self.promoters, self.passives, self.detractors)
        return tuple(part.weight / self.all.weight for part in parts)  # type: ignore[return-value]

    def unweighted(self) -> Tally:
        """As if everybody stood for themselves alone."""
        counts = (self.promoters.n, self.passives.n, self.detractors.n)
        return Tally(*(Part(n, float(n), float(n)) for n in counts))

    def margins(self, doubt: float = DOUBT) -> tuple[float, float]:
        """How far below and above p - d (from -1 to 1) the truth may lie: z times the root of

            Var = (p + d - (p - d)²) / n

        the variance of the difference of two shares of one multinomial sample, with Kish's base for n (R. Rocks,
        "Interval Estimation for the Net Promoter Score", The American Statistician 70, 2016, section 2). Where all
        are of one group that says 0, which nobody should believe: then the share of others that so many answers can
        have missed bounds it (rule of three: J. Hanley and A. Lippman-Hand, JAMA 249, 1983).
        """
        p, _passives, d = self.shares
        if sum(part.n > 0 for part in (self.promoters, self.passives, self.detractors)) > 1:
            margin = NormalDist().inv_cdf(1 - doubt / 2) * math.sqrt(max(0.0, p + d - (p - d) ** 2) / self.base)
            return margin, margin
        missed = min(1.0, -math.log(doubt) / self.base)
        return missed * (1 + p - d), missed * (1 - p + d)


def counted(rows: ResponseQuerySet, by: str) -> dict[Any, Tally]:
    """The tally of each value of the field or annotation `by`. One query."""
    sums: dict[Any, list[tuple[str, Part]]] = defaultdict(list)
    grouped = rows.scored().order_by().values_list(by, "group").annotate(**SUMS)
    for value, group, n, weight, squares in grouped:
        sums[value].append((group, Part(n, weight, squares)))
    return {value: Tally.of(parts) for value, parts in sums.items()}


# --- what is said


@dataclass(frozen=True)
class Score:
    """A score from -100 to 100, its 95 % interval, and the percentages behind it.

    Below the smallest base nothing is `shown`: every figure but `n` is None. `base` is what `n` is worth under weights.
    """

    n: int
    shown: bool
    nps: float | None = None
    low: float | None = None
    high: float | None = None
    promoters: float | None = None
    passives: float | None = None
    detractors: float | None = None
    base: float | None = None


def score(tally: Tally, least: int) -> Score:
    if tally.n < max(1, least):
        return Score(tally.n, shown=False)
    p, passives, d = tally.shares
    below, above = tally.margins()
    return Score(
        tally.n, True, percent(p - d), percent(max(-1.0, p - d - below)), percent(min(1.0, p - d + above)),
        percent(p), percent(passives), percent(d), round(tally.base, 1),
    )  # fmt: skip


def percent(share: float) -> float:
    return round(100 * share, 1) + 0.0  # never "-0.0"


@dataclass(frozen=True)
class Change:
    """From one score to another, in points, with its interval. It is `certain` where the interval leaves out 0."""

    by: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        return self.low > 0 or self.high < 0


def change(now: Tally, before: Tally, least: int, comparisons: int = 1) -> Change | None:
    """`now` less `before`; None where either is too small.

    The interval joins the margins of both as of two samples that know nothing of each other (MOVER: G. Zou and
    A. Donner, Statistics in Medicine 27, 2008); of the same people asked twice it is too wide rather than too narrow.
    Where several are compared at once each is judged more strictly, so that all of them together go wrong one time in
    twenty (Bonferroni).
    """
    if min(now.n, before.n) < max(1, least):
        return None
    doubt = DOUBT / max(1, comparisons)
    by = (now.shares[0] - now.shares[2]) - (before.shares[0] - before.shares[2])
    (below, above), (before_below, before_above) = now.margins(doubt), before.margins(doubt)
    return Change(
        percent(by), percent(by - math.hypot(below, before_above)), percent(by + math.hypot(above, before_below))
    )


# --- from 0 to 10


@dataclass(frozen=True)
class Bin:
    """Who answered `score`: how many, and the weighted percentage of all."""

    score: int
    group: Group
    n: int
    share: float


@dataclass(frozen=True)
class Distribution:
    """`bins` are empty where there are too few answers; `tally` is of all of them."""

    bins: list[Bin]
    tally: Tally


def distribution(rows: ResponseQuerySet, least: int) -> Distribution:
    """One query."""
    found = rows.scored().order_by().values_list("score").annotate(**SUMS)
    parts = {score: Part(*sums) for score, *sums in found}
    tally = Tally.of((group_of(score), part) for score, part in parts.items())
    if tally.n < max(1, least):
        return Distribution([], tally)
    return Distribution([_bin(score, parts.get(score, Part()), tally) for score in SCORES], tally)


def _bin(score: int, part: Part, tally: Tally) -> Bin:
    return Bin(score, group_of(score), part.n, percent(part.weight / tally.all.weight))
