"""Where the lines of a picture lie. Every mark keeps the object whose numbers it draws; templates print those.

All measures are in the units of the picture (its viewBox); down is larger, as in SVG. Nothing is told by colour alone:
groups differ in hatching, what is certain in shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crm import drawing
from surveys.models import Group
from surveys.nps import Bin, Score

WIDTH, HEIGHT = 720, 200


class Scored(Protocol):
    """What can be drawn with its interval."""

    @property
    def score(self) -> Score: ...


@dataclass(frozen=True)
class Tick:
    at: float
    value: int


@dataclass(frozen=True)
class Scale:
    """From `bottom` to `top`, drawn over `length`. `bottom` lies at 0 unless it is turned round."""

    bottom: int
    top: int
    length: float
    down: bool = False

    def at(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return round((1 - share if self.down else share) * self.length, 1)

    @property
    def ticks(self) -> list[Tick]:
        step = 50 if self.top - self.bottom > 120 else 20
        first = math.ceil(self.bottom / step) * step
        return [Tick(self.at(value), value) for value in range(first, self.top + 1, step)]


def scale(scores: Iterable[Score], length: float, *, down: bool = False) -> Scale:
    """Wide enough for every interval, in whole twenties, at least forty points: small changes must look small."""
    shown = [each for each in scores if each.shown]
    bottom = math.floor(min((each.low or 0.0 for each in shown), default=0.0) / 20) * 20
    top = math.ceil(max((each.high or 0.0 for each in shown), default=0.0) / 20) * 20
    if top - bottom < 40:
        bottom, top = bottom - 20, top + 20
    return Scale(max(-100, bottom), min(100, top), length, down)


# --- a score over time


@dataclass(frozen=True)
class Dot:
    """A score, and its interval from `low` to `high`."""

    of: Any
    x: float
    y: float
    low: float
    high: float
    named: bool


@dataclass(frozen=True)
class Trend:
    dots: list[Dot]
    lines: list[str]  # `points` of a polyline each: the line breaks where too few answered
    names: list[tuple[float, Any]]
    ticks: list[Tick]
    zero: float | None
    width: int = WIDTH
    height: int = HEIGHT


NAMED = 5  # so many names fit side by side, on a phone as well


def trend(points: Sequence[Scored]) -> Trend:
    """The oldest first."""
    axis = scale([point.score for point in points], HEIGHT, down=True)
    step = WIDTH / max(1, len(points))
    places = [(round((n + 0.5) * step, 1), point) for n, point in enumerate(points)]
    every = math.ceil(len(points) / NAMED)
    named = {id(point) for n, (_x, point) in enumerate(reversed(places)) if n % every == 0}
    dots = [_dot(axis, x, point, id(point) in named) for x, point in places if point.score.shown]
    return Trend(
        dots, drawing.lines((x for x, _point in places), dots),
        [(x, point) for x, point in places if id(point) in named], axis.ticks,
        axis.at(0) if axis.bottom <= 0 <= axis.top else None,
    )  # fmt: skip


def _dot(axis: Scale, x: float, point: Scored, named: bool) -> Dot:
    nps, low, high = (axis.at(value or 0.0) for value in (point.score.nps, point.score.low, point.score.high))
    return Dot(point, x, nps, low, high, named)


# --- one line for the three groups


@dataclass(frozen=True)
class Piece:
    """A group's share of the line."""

    group: Group
    share: float
    x: float
    width: float


STACK_WIDTH = 400


def stack(score: Score) -> list[Piece]:
    """Promoters, passives and detractors side by side. Empty where nothing is shown."""
    shares = (score.promoters, score.passives, score.detractors)
    pieces, x = [], 0.0
    for group, share in zip((Group.PROMOTER, Group.PASSIVE, Group.DETRACTOR), shares, strict=True):
        if share is not None:
            pieces.append(Piece(group, share, round(x, 1), round(share / 100 * STACK_WIDTH, 1)))
            x += share / 100 * STACK_WIDTH
    return pieces


# --- columns from 0 to 10


@dataclass(frozen=True)
class Column:
    of: Bin
    x: float
    y: float
    width: float
    height: float
    middle: float


COLUMNS_HEIGHT, COLUMN_STEP, COLUMN_WIDTH = 140, 64, 48


def columns(bins: Sequence[Bin]) -> list[Column]:
    """The highest fills the picture. Empty where there are too few answers."""
    most = max((each.share for each in bins), default=0.0) or 1.0
    return [_column(n, each, round(each.share / most * COLUMNS_HEIGHT, 1)) for n, each in enumerate(bins)]


def _column(n: int, of: Bin, height: float) -> Column:
    x = n * COLUMN_STEP + (COLUMN_STEP - COLUMN_WIDTH) / 2
    return Column(of, x, round(COLUMNS_HEIGHT - height, 1), COLUMN_WIDTH, height, x + COLUMN_WIDTH / 2)


# --- a score beside others: one row each, below one another, on one scale


@dataclass(frozen=True)
class Row:
    """A segment: the score at `x`, its interval from `low` to `high`."""

    of: Any
    x: float
    low: float
    high: float


@dataclass(frozen=True)
class Rows:
    rows: list[Row]
    ticks: list[Tick]
    all: float | None  # where the score of all lies
    zero: float | None


ROW_WIDTH = 400


def rows(segments: Sequence[Scored], whole: Score) -> Rows:
    """Those that are shown, in their order, and the score of all as a line through them."""
    shown = [segment for segment in segments if segment.score.shown]
    axis = scale([*(segment.score for segment in shown), whole], ROW_WIDTH)
    drawn = [_row(axis, segment) for segment in shown]
    at_all = axis.at(whole.nps) if whole.nps is not None else None
    return Rows(drawn, axis.ticks, at_all, axis.at(0) if axis.bottom <= 0 <= axis.top else None)


def _row(axis: Scale, segment: Scored) -> Row:
    nps, low, high = (axis.at(value or 0.0) for value in (segment.score.nps, segment.score.low, segment.score.high))
    return Row(segment, nps, low, high)


# --- who went on, question by question


class Counted(Protocol):
    @property
    def answered(self) -> int: ...
    @property
    def left(self) -> int: ...


@dataclass(frozen=True)
class Stay:
    """`stayed` is drawn full, `left` behind it hatched; together as wide as all who answered it."""

    of: Any
    stayed: float
    left: float


def stays(steps: Sequence[Counted]) -> list[Stay]:
    most = max((step.answered for step in steps), default=0) or 1
    width = ROW_WIDTH / most
    return [Stay(step, round((step.answered - step.left) * width, 1), round(step.left * width, 1)) for step in steps]


# --- the same people at two times


@dataclass(frozen=True)
class Node:
    """All who were `name` at one of the two times. `people` stand in the column from `y` on."""

    name: str
    people: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return round(self.y + self.height / 2, 1)


@dataclass(frozen=True)
class Band:
    """Those who went from `source` to `target`: a closed path as thick as they are many. `x`, `y`: its middle."""

    source: str
    target: str
    people: int
    path: str
    x: float
    y: float
    thickness: float

    @property
    def stayed(self) -> bool:
        return self.source == self.target


@dataclass(frozen=True)
class Flow:
    left: list[Node]
    right: list[Node]
    bands: list[Band]
    width: int
    height: int


FLOW_HEIGHT, NODE_WIDTH, GAP = 320, 20, 16


def flow(matrix: Mapping[tuple[str, str], int], order: Sequence[str] | None = None) -> Flow:
    """From → to, as a picture: `matrix[source, target]` people. Both columns stand in `order` (else as they come up).

    Columns and bands are on one scale: a person is as thick at both ends. Names with nobody are left out.
    """
    people = {pair: count for pair, count in matrix.items() if count > 0}
    names = order or list(dict.fromkeys(name for pair in people for name in pair))
    sums = [[sum(n for pair, n in people.items() if pair[side] == name) for name in names] for side in (0, 1)]
    gaps = max((sum(map(bool, side)) - 1 for side in sums), default=0)
    unit = (FLOW_HEIGHT - GAP * max(0, gaps)) / (sum(people.values()) or 1)
    left = _nodes(names, sums[0], 0, unit)
    right = _nodes(names, sums[1], WIDTH - NODE_WIDTH, unit)
    return Flow(left, right, _bands(people, left, right, unit), WIDTH, FLOW_HEIGHT)


def _nodes(names: Sequence[str], sums: Sequence[int], x: float, unit: float) -> list[Node]:
    found, y = [], 0.0
    for name, people in zip(names, sums, strict=True):
        if people:
            found.append(Node(name, people, x, round(y, 1), NODE_WIDTH, round(people * unit, 1)))
            y += people * unit + GAP
    return found


def _bands(
    people: Mapping[tuple[str, str], int], left: Sequence[Node], right: Sequence[Node], unit: float
) -> list[Band]:
    """In the order of the columns on both sides, so that they cross no more than they must."""
    starts, ends = {node.name: node.y for node in left}, {node.name: node.y for node in right}
    found = []
    for source in left:
        for target in right:
            if count := people.get((source.name, target.name), 0):
                found.append(_band(source.name, target.name, count, starts, ends, unit))
    return found


def _band(source: str, target: str, people: int, starts: dict[str, float], ends: dict[str, float], unit: float) -> Band:
    """The next free stretch of both columns; it is taken."""
    thickness, start, end = people * unit, starts[source], ends[target]
    starts[source] += thickness
    ends[target] += thickness
    x1, x2, bend = NODE_WIDTH, WIDTH - NODE_WIDTH, WIDTH / 2
    a, b, c, d = (round(y, 1) for y in (start, end, end + thickness, start + thickness))
    path = f"M{x1} {a}C{bend} {a} {bend} {b} {x2} {b}V{c}C{bend} {c} {bend} {d} {x1} {d}Z"
    return Band(source, target, people, path, bend, round((start + end + thickness) / 2, 1), round(thickness, 1))
