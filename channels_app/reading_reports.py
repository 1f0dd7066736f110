"""The report of a fitted model, as its page shows it: this one beside the one that was in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels_app.learning import trials
from channels_app.models import FittedModel, Training
from channels_app.models.learning import Aspect
from channels_app.reading import linear
from channels_app.readings import named

STEPS: list[Training.Step] = [step for step in Training.Step if step != Training.Step.DONE]


@dataclass(frozen=True)
class Compared:
    """One score, of this model and of the one in use; None where it has none."""

    this: float | None
    other: float | None

    @property
    def change(self) -> float | None:
        return None if self.this is None or self.other is None else round(self.this - self.other, 4)


@dataclass(frozen=True)
class ClassReport:
    name: str
    count: int
    f1: Compared


@dataclass(frozen=True)
class AspectReport:
    """Of one aspect, on what was held back."""

    label: str
    n: int
    accuracy: Compared
    macro_f1: Compared
    classes: list[ClassReport]


def aspects(model: FittedModel) -> list[AspectReport]:
    this, other = model.report.get("this", {}), model.report.get("in_use", {})
    return [_aspect(aspect, this[aspect], other.get(aspect, {})) for aspect in Aspect.values if aspect in this]


def _aspect(aspect: str, this: Mapping[str, Any], other: Mapping[str, Any]) -> AspectReport:
    theirs = other.get("per_class", {})
    classes = [
        ClassReport(named(aspect, value), each.get("count", 0), _compared("f1", each, theirs.get(value, {})))
        for value, each in this.get("per_class", {}).items()
    ]
    return AspectReport(
        str(Aspect(aspect).label), this.get("n", 0), _compared("accuracy", this, other),
        _compared("macro_f1", this, other), classes,
    )  # fmt: skip


def _compared(name: str, this: Mapping[str, Any], other: Mapping[str, Any]) -> Compared:
    return Compared(this.get(name), other.get(name))


def verdict(model: FittedModel) -> str:
    """In words; "" where the report says none."""
    return str(trials.VERDICTS.get(model.report.get("verdict", ""), ""))


def steps(last: Training | None) -> list[tuple[str, str]]:
    """The way of one that is being fitted: each step and whether it is "done", "now" or "to come"."""
    if last is None or last.finished_at is not None:
        return []
    at = STEPS.index(Training.Step(last.step))
    return [(str(step.label), "done" if n < at else "now" if n == at else "to come") for n, step in enumerate(STEPS)]


def card() -> dict[str, Any]:
    """What is known of the model Hark came with; empty where it is not there."""
    return linear.card() if linear.bundled_version() else {}
