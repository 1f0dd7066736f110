"""The steps of many loops as bars below one another, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveys.charts import ROW_WIDTH
from surveys.outreach.loops.figures import Stage


@dataclass(frozen=True)
class Bar:
    """`came` is drawn full, who broke off before the step behind it, hatched. In units of the picture."""

    of: Stage
    came: float
    died: float


def bars(stages: Sequence[Stage]) -> list[Bar]:
    """The longest fills the picture. Empty where there is nothing to draw."""
    most = max((stage.came + stage.died for stage in stages), default=0)
    unit = ROW_WIDTH / most if most else 0.0
    return [Bar(stage, round(stage.came * unit, 1), round(stage.died * unit, 1)) for stage in stages if most]
