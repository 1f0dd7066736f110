"""A model is fitted on what people put right, and weighed against the one in use on what was held back from both.

It is better where it is right more often on all that was held back, and of no aspect with enough examples its macro F1
falls by more than `MOST_LOST`. The report keeps the counts and scores of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from channels_app.learning import in_use
from channels_app.models import Aspect, Correction, Training
from channels_app.reading import fitting
from channels_app.reading.fitting import Example
from channels_app.reading.linear import BrokenModel, LinearModel
from crm.errors import Refused

LEAST = 20
"""With fewer examples than this nothing is fitted; with fewer held back, no aspect is weighed by itself."""
MOST_LOST = 0.02

BETTER, NOT_BETTER, TOO_FEW = "better", "not better", "too few"
VERDICTS: Mapping[str, Any] = {
    BETTER: _("Better than the one in use"),
    NOT_BETTER: _("Not better than the one in use"),
    TOO_FEW: _("Too few examples are held back to say"),
}

Told = Callable[[str], None]
Scores = Mapping[str, Mapping[str, Any]]


class TooFew(Refused):
    sentence = _("So far {n} readings were put right or confirmed. A model is fitted from {least} on.")


class NoBase(Refused):
    sentence = _("There is nothing to start from. {why} Install Hark again.")


class Trial(NamedTuple):
    """A fitted model that is not kept yet, the version it started from, and its report."""

    model: LinearModel
    base: str
    report: dict[str, Any]

    @property
    def is_better(self) -> bool:
        return bool(self.report["verdict"] == BETTER)


def fit(version: str, told: Told = lambda _step: None) -> Trial:
    """Fit and weigh. Writes nothing; says each step as it begins. Raises TooFew, NoBase."""
    began = monotonic()
    told(Training.Step.GATHERING)
    base, examples = in_use.own(), gather()
    if isinstance(base, BrokenModel):
        raise NoBase(why=str(base))
    if len(examples) < LEAST:
        raise TooFew(n=len(examples), least=LEAST)
    to_fit, held_back = fitting.held_back(examples)
    told(Training.Step.FITTING)
    fitted = fitting.fit(base, to_fit, version=version)
    told(Training.Step.WEIGHING)
    report = _weighed(fitted, in_use.model_in_use(), held_back)
    report |= {
        "examples": len(examples), "fitted_on": len(to_fit), "held_back": len(held_back),
        "of_each_aspect": dict(Counter(each.aspect for each in examples)), "seconds": round(monotonic() - began, 1),
    }  # fmt: skip
    return Trial(fitted, base.version, report)


def gather() -> list[Example]:
    """What people said of messages whose words are still there. A language is told by other means than a model."""
    said = Correction.objects.in_force().exclude(aspect=Aspect.LANGUAGE).exclude(message__text="").order_by("pk")
    columns = ("message__text", "aspect", "now", "message__language")
    return [Example(*row) for row in said.values_list(*columns).iterator(chunk_size=2000)]


def _weighed(fitted: LinearModel, used: LinearModel, held_back: Sequence[Example]) -> dict[str, Any]:
    this, other = fitting.evaluate(fitted, held_back), fitting.evaluate(used, held_back)
    return {
        "this": this, "in_use": other, "in_use_version": used.version, "verdict": _verdict(this, other),
    }  # fmt: skip


def _verdict(this: Scores, other: Scores) -> str:
    if sum(scores["n"] for scores in this.values()) < LEAST:
        return TOO_FEW
    enough = [aspect for aspect, scores in this.items() if scores["n"] >= LEAST]
    lost = any(this[aspect]["macro_f1"] < other[aspect]["macro_f1"] - MOST_LOST for aspect in enough)
    return NOT_BETTER if lost or _right(this) <= _right(other) else BETTER


def _right(scores: Scores) -> float:
    """How many of all held back."""
    return sum(each["n"] * each["accuracy"] for each in scores.values())
