"""Building the model that Hark comes with: from a file of labelled posts to a model file and its card."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from channels_app.reading.evaluating import evaluate
from channels_app.reading.fitting import Strength, fit
from channels_app.reading.linear import BUNDLED, CARD, LinearModel, checksum
from channels_app.reading.reader import RULES
from channels_app.reading.teaching import MOOD, MOODS, Example, held_back

BASE = Strength(grams=1.5, dense=50.0, evened=1.0)
"""Every mood counts the same, however many posts have it: nobody knows what a brand will be told."""
LARGEST = 3 * 1024 * 1024


class TooLargeError(ValueError):
    """A model file above what Hark may come with; reads as the sentence that says so."""


def build(
    labelled: Sequence[tuple[str, str]], *, version: str, origin: str, licence: str, on: date, into: Path
) -> dict[str, Any]:
    """Fit on all texts, write the model and its card, and return the card.

    The figures are those of a model that was fitted the same way on four texts in five, measured on the fifth.
    """
    examples = [Example(text, MOOD, label, "en") for text, label in labelled if label in MOODS]
    fitted_on, back = held_back(examples)
    nothing = LinearModel("")
    figures = evaluate(fit(nothing, fitted_on, version=version, strength=BASE), back)[MOOD]
    body = fit(nothing, examples, version=version, strength=BASE).dumps()
    if len(body) > LARGEST:
        raise TooLargeError(f"The model has {len(body):,} bytes; {LARGEST:,} are allowed.")
    about = {
        "version": version,
        "sha256": checksum(body),
        "rules": RULES,
        "built_on": on.isoformat(),
        "origin": origin,
        "licence": licence,
        "bytes": len(body),
    }
    counts = Counter(each.value for each in examples)
    into.joinpath(BUNDLED).write_bytes(body)
    into.joinpath(CARD).write_text(_toml(about, counts, figures), encoding="utf-8")
    return {**about, "texts": dict(counts), "held_back": figures}


def _toml(about: dict[str, Any], counts: Counter[str], figures: dict[str, Any]) -> str:
    """The card as it stands beside the model."""
    lines = ["# The bundled model, by bin/manage build_reading_model. What it means: docs/reading-model.md", ""]
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in about.items()]
    lines += ["", "[texts]", *(f"{name} = {counts[name]}" for name in MOODS), "", "[held_back]"]
    lines += [f"{name} = {value}" for name, value in figures.items() if not isinstance(value, dict)]
    for name, row in figures["per_class"].items():
        lines += ["", f"[held_back.{name}]", *(f"{figure} = {value}" for figure, value in row.items())]
    return "\n".join(lines) + "\n"
