"""How well texts are read: scores against labels that people gave, and what a message costs.

Definitions. For each class: precision = right / said, recall = right / true, F1 = their harmonic mean, 0 where there is
nothing to divide by. Macro F1 and macro recall are the plain means over the three classes; accuracy = right / all.
A text read as "unknown" counts as neutral, because the labels know no fourth class; its share is reported.
"""

import csv
import gzip
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from textblob import TextBlob

from channels_app.reading.model import Sentiment
from channels_app.reading.reader import read

CLASSES = (Sentiment.NEGATIVE.value, Sentiment.NEUTRAL.value, Sentiment.POSITIVE.value)
BATCH = 500
LONGEST_FIELD = 16 * 1024 * 1024
TEXTBLOB_BORDER = 0.05
WARMING = ["the first text of a process waits until word lists are loaded", "ein langer Text in einer anderen Sprache"]


class UnmeasurableError(ValueError):
    """A file that cannot be measured; reads as the sentence that says why."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class was found, with its base count."""

    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How well a whole file was read. `confusion[label][said]` counts texts."""

    macro_f1: float
    macro_recall: float
    accuracy: float
    per_class: dict[str, ClassScore]
    confusion: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one core, after the word lists are loaded."""

    cpu_ms_per_message: float
    messages_per_second: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """The reader and TextBlob alone on the same texts."""

    n: int
    skipped: int
    unknown: int
    scores: Scores
    cost: Cost
    textblob: Scores
    textblob_cost: Cost

    def figures(self) -> dict[str, object]:
        """As one JSON object."""
        return {
            "n": self.n,
            "skipped": self.skipped,
            "unknown_share": round(self.unknown / self.n, 4),
            **asdict(self.scores),
            **asdict(self.cost),
            "baseline_textblob": {**asdict(self.textblob), **asdict(self.textblob_cost)},
        }


def measure(path: Path, *, text: str, label: str, limit: int | None = None) -> Measurement:
    """Read the column `text` of a CSV file (plain or .gz) and score it against the column `label`.

    Rows with another label than negative, neutral or positive are skipped and counted; `limit` counts rows of the file.
    """
    rows = list(islice(_rows(path, text, label), limit))
    labelled = [(words, truth) for words, truth in rows if truth in CLASSES]
    if not labelled:
        raise UnmeasurableError(f'No row of {path} has "negative", "neutral" or "positive" in the column "{label}".')
    texts, truths = [words for words, _ in labelled], [truth for _, truth in labelled]
    read(WARMING)
    said, cost = _timed(_moods, texts)
    textblob, textblob_cost = _timed(_moods_by_textblob, texts)
    return Measurement(
        n=len(texts),
        skipped=len(rows) - len(texts),
        unknown=said.count(Sentiment.UNKNOWN.value),
        scores=score(truths, said),
        cost=cost,
        textblob=score(truths, textblob),
        textblob_cost=textblob_cost,
    )


def score(truths: Sequence[str], said: Sequence[str]) -> Scores:
    """The scores of what was said about texts whose true classes are known, both in the same order."""
    known = [mood if mood in CLASSES else Sentiment.NEUTRAL.value for mood in said]
    counts = Counter(zip(truths, known, strict=True))
    confusion = {truth: {mood: counts[truth, mood] for mood in CLASSES} for truth in CLASSES}
    per_class = {name: _class_score(name, confusion) for name in CLASSES}
    return Scores(
        macro_f1=_rounded(sum(each.f1 for each in per_class.values()), len(CLASSES)),
        macro_recall=_rounded(sum(each.recall for each in per_class.values()), len(CLASSES)),
        accuracy=_rounded(sum(confusion[name][name] for name in CLASSES), len(truths)),
        per_class=per_class,
        confusion=confusion,
    )


def _class_score(name: str, confusion: dict[str, dict[str, int]]) -> ClassScore:
    right, count = confusion[name][name], sum(confusion[name].values())
    said = sum(row[name] for row in confusion.values())
    return ClassScore(
        precision=_rounded(right, said),
        recall=_rounded(right, count),
        f1=_rounded(2 * right, said + count),
        count=count,
    )


def _rounded(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def _timed(reader: Callable[[list[str]], list[str]], texts: list[str]) -> tuple[list[str], Cost]:
    start = time.process_time()
    said = [mood for at in range(0, len(texts), BATCH) for mood in reader(texts[at : at + BATCH])]
    seconds = max(time.process_time() - start, 1e-9)
    return said, Cost(round(1000 * seconds / len(texts), 4), round(len(texts) / seconds))


def _moods(texts: list[str]) -> list[str]:
    return [reading.sentiment.value for reading in read(texts)]


def _moods_by_textblob(texts: list[str]) -> list[str]:
    return [_mood_by_polarity(TextBlob(text).sentiment.polarity) for text in texts]


def _mood_by_polarity(polarity: float) -> str:
    if abs(polarity) <= TEXTBLOB_BORDER:
        return Sentiment.NEUTRAL.value
    return Sentiment.POSITIVE.value if polarity > 0 else Sentiment.NEGATIVE.value


def _rows(path: Path, text: str, label: str) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with _opened(path) as file:
            rows = csv.DictReader(file)
            _refuse_missing(rows.fieldnames or [], text, label)
            for row in rows:
                yield row[text] or "", (row[label] or "").strip().lower()
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UnmeasurableError(f"{path} cannot be read: {error}.") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _refuse_missing(columns: Sequence[str], text: str, label: str) -> None:
    missing = [f'"{name}"' for name in (text, label) if name not in columns]
    if missing:
        there = ", ".join(columns) or "none"
        raise UnmeasurableError(f"The file has no column {' and no column '.join(missing)}. Its columns are: {there}.")
