"""What every figure has: the line through its dots, and the table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Placed(Protocol):
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...


def lines(along: Iterable[float], dots: Iterable[Placed]) -> list[str]:
    """The points of a polyline each: `along` are the places from left to right, and where one has no dot it breaks."""
    at = {dot.x: f"{dot.x},{dot.y}" for dot in dots}
    runs: list[list[str]] = [[]]
    for x in along:
        if x in at:
            runs[-1].append(at[x])
        elif runs[-1]:
            runs.append([])
    return [" ".join(run) for run in runs if len(run) > 1]


@dataclass(frozen=True)
class Table:
    """One figure in rows. An empty cell is a figure that is not shown, of too few."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    @property
    def cells(self) -> list[list[tuple[str, object]]]:
        """The rows, each cell beside the name of its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]
