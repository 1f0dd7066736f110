"""Where the lines of a comparison lie: a figure with its interval on a row each, beside what it is held against.

In the units of `surveys.charts`. Each row keeps the object whose numbers it draws; what is not shown is not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from surveys.charts import ROW_WIDTH
from surveys.drivers import Likelier
from surveys.movement import Cell

FURTHEST = 6  # doublings: nothing is drawn beyond 64 times likelier or less likely
STEPS = 4  # so many marks above nought
PARTS = {1: "½", 2: "¼", 3: "⅛"}


@dataclass(frozen=True)
class Mark:
    at: float
    text: str


@dataclass(frozen=True)
class Held:
    """One row: the figure at `x`, its interval from `low` to `high`; `beside`: what it is held against, where known."""

    of: Any
    x: float
    low: float
    high: float
    beside: float | None


@dataclass(frozen=True)
class Comparison:
    """`even`: where both sides are equal, None where no such line is drawn."""

    rows: list[Held]
    marks: list[Mark]
    even: float | None = None


def ratios(lines: Sequence[Likelier], *, reference: bool) -> Comparison:
    """How many times likelier, on a scale of doublings, so that twice and half lie equally far from even."""
    shown = [line for line in lines if line.shown]
    ends = [math.log2(max(end, 2**-FURTHEST)) for line in shown for end in (line.low, line.high)]
    published = [math.log2(line.reference) for line in shown if reference and line.reference]
    bottom = max(-FURTHEST, math.floor(min([-1.0, *ends])))
    top = min(FURTHEST, math.ceil(max([1.0, *ends, *published])))

    def at(ratio: float) -> float:
        doublings = min(max(math.log2(max(ratio, 2**-FURTHEST)), bottom), top)
        return round((doublings - bottom) / (top - bottom) * ROW_WIDTH, 1)

    rows = [_held(line, line.ratio, line.low, line.high, line.reference if reference else None, at) for line in shown]
    step = math.ceil((top - bottom) / 6)
    marks = [Mark(at(2.0**n), _times(n)) for n in range(bottom, top + 1) if n % step == 0]
    return Comparison(rows, marks, at(1))


def _times(doublings: int) -> str:
    return f"{2**doublings}×" if doublings >= 0 else f"{PARTS.get(-doublings) or f'1/{2**-doublings}'}×"


def experiences(moves: Sequence[tuple[Cell, Cell]]) -> Comparison:
    """Bad experiences a person of each move, beside those of the same place who stayed."""
    shown = [(cell, stayed) for cell, stayed in moves if cell.shown]
    top = _round(max((figure for cell, stayed in shown for figure in (cell.bad.high, stayed.bad.mean)), default=1.0))

    def at(value: float) -> float:
        return round(min(value, top) / top * ROW_WIDTH, 1)

    rows = [
        _held(cell, cell.bad.mean, cell.bad.low, cell.bad.high, stayed.bad.mean if stayed.shown else None, at)
        for cell, stayed in shown
    ]
    return Comparison(rows, [Mark(at(top * n / STEPS), f"{top * n / STEPS:g}") for n in range(STEPS + 1)])


def _held(of: Any, figure: float, low: float, high: float, beside: float | None, at: Callable[[float], float]) -> Held:
    return Held(of, at(figure), at(low), at(high), None if beside is None else at(beside))


def _round(most: float) -> float:
    """The next of 1, 2, 4, 8, … so that four marks are round figures."""
    return 2.0 ** max(0, math.ceil(math.log2(most))) if most > 0 else 1.0
