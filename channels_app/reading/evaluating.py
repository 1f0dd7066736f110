"""How well a model reads examples: the figures that decide whether it is put in use.

For each class: precision = right / said, recall = right / true, F1 = their harmonic mean, 0 where there is nothing to
divide by. Macro figures are plain means over the classes that occur. A mood read as "unknown" counts as neutral. The
calibration error is the mean of |sure - right| over ten bands of sureness, weighted by how many fall in each.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from channels_app.reading.linear import LinearModel
from channels_app.reading.model import Reading, Sentiment
from channels_app.reading.reader import Reader
from channels_app.reading.teaching import MOOD, VALUES, Example
from channels_app.reading.words import Words

SURE = 0.7
BANDS = 10

Said = tuple[str, str, float]
"""What is true, what was said, and how sure (0..1)."""


def evaluate(model: LinearModel, examples: Sequence[Example], words: Words | None = None) -> dict[str, dict[str, Any]]:
    """The figures of each aspect that there are examples of."""
    reader = Reader(model, words)
    found: dict[str, dict[str, Any]] = {}
    for aspect in VALUES:
        own = [each for each in examples if each.aspect == aspect]
        if own:
            readings = reader.read([each.text for each in own], [each.language for each in own])
            said = (told(reading, aspect) for reading in readings)
            found[aspect] = figures([(each.value, *one) for each, one in zip(own, said, strict=True)])
    return found


def told(reading: Reading, aspect: str) -> tuple[str, float]:
    """What was read of an aspect, and how sure that is."""
    if aspect == MOOD:
        known = reading.sentiment is not Sentiment.UNKNOWN
        return (reading.sentiment if known else Sentiment.NEUTRAL).value, reading.confidence
    wish = getattr(reading, aspect)
    return wish.value, wish.confidence


def figures(said: Sequence[Said]) -> dict[str, Any]:
    """As one JSON object."""
    classes = sorted({truth for truth, _, _ in said})
    per_class = {name: _class(name, said) for name in classes}
    sure = [each for each in said if each[2] >= SURE]
    return {
        "n": len(said),
        "accuracy": _accuracy(said),
        "macro_f1": _mean(each["f1"] for each in per_class.values()),
        "macro_recall": _mean(each["recall"] for each in per_class.values()),
        "sure_share": round(len(sure) / len(said), 4) if said else 0.0,
        "sure_accuracy": _accuracy(sure),
        "calibration_error": _calibration_error(said),
        "per_class": per_class,
    }


def _class(name: str, said: Sequence[Said]) -> dict[str, float]:
    true = sum(truth == name for truth, _, _ in said)
    claimed = sum(value == name for _, value, _ in said)
    right = sum(truth == value == name for truth, value, _ in said)
    return {
        "precision": round(right / claimed, 4) if claimed else 0.0,
        "recall": round(right / true, 4) if true else 0.0,
        "f1": round(2 * right / (true + claimed), 4) if true + claimed else 0.0,
        "count": true,
    }


def _accuracy(said: Sequence[Said]) -> float:
    return _mean(float(truth == value) for truth, value, _ in said)


def _calibration_error(said: Sequence[Said]) -> float:
    counts, sums = Counter[int](), Counter[int]()
    for truth, value, sure in said:
        band = min(BANDS - 1, int(sure * BANDS))
        counts[band] += 1
        sums[band] += sure - (truth == value)  # type: ignore[assignment]
    return round(sum(abs(each) for each in sums.values()) / max(1, counts.total()), 4)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 4) if found else 0.0
