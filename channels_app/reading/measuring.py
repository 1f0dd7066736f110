"""How well texts are read: scores against labels that people gave, and what a message costs.

The scores are defined in `evaluating`. Beside them: the four intents that a desk is run by, the net mood of each brand
(the share of positive texts less that of negative ones), TextBlob alone on the same texts, and CPU time of one core in
batches of 200, after the word lists are loaded.
"""

import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from textblob import TextBlob

from channels_app.reading import linear
from channels_app.reading.evaluating import Said, figures, told
from channels_app.reading.fitting import fit
from channels_app.reading.labelled import Columns, Labelled, UnmeasurableError, labelled
from channels_app.reading.linear import BrokenModel, LinearModel
from channels_app.reading.model import Intent, Reading, Sentiment
from channels_app.reading.reader import Reader
from channels_app.reading.teaching import MOOD, VALUES, Example, part
from channels_app.reading.wishes import tell
from channels_app.reading.words import Words

FOUR = (Intent.COMPLAINT.value, Intent.QUESTION.value, Intent.COMPLIMENT.value, Intent.PURCHASE.value)
BATCH = 200
TEXTBLOB_BORDER = 0.05
WARMING = ["the first text of a process waits until word lists are loaded", "ein langer Text in einer anderen Sprache"]
NAME_OF_THE_TAUGHT = "measured"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one core, after the word lists are loaded."""

    cpu_ms_per_message: float
    messages_per_second: int


@dataclass(frozen=True, slots=True)
class Taught:
    """How a reader was taught with a part of the file before it was measured on the rest.

    With `folds`, each part is read by a reader taught with all the others, and all parts are scored together.
    """

    share: float = 0.0
    folds: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """The reader on the texts of a file, and beside it TextBlob alone, or else the commonest class said always."""

    what: str
    reader: str
    n: int
    skipped: int
    taught_with: int
    unknown: int
    scores: dict[str, Any]
    confusion: dict[str, dict[str, int]]
    cost: Cost
    without_wishes: float
    peak_memory_mb: int
    baseline: dict[str, Any]
    brands: dict[str, Any]

    def figures(self) -> dict[str, object]:
        """As one JSON object."""
        name = "baseline_textblob" if self.what in (MOOD, "intent") else "baseline_commonest"
        return {
            "what": self.what,
            "reader": self.reader,
            **self.scores,
            "skipped": self.skipped,
            "taught_with": self.taught_with,
            "unknown_share": round(self.unknown / self.n, 4),
            "confusion": self.confusion,
            **asdict(self.cost),
            "cpu_ms_without_wishes": self.without_wishes,
            "peak_memory_mb": self.peak_memory_mb,
            **({"brands": self.brands} if self.brands else {}),
            name: self.baseline,
        }


def measure(
    path: Path,
    columns: Columns,
    *,
    what: str = MOOD,
    limit: int | None = None,
    taught: Taught = Taught(),
    model: LinearModel | None = None,
) -> Measurement:
    """Read the texts of a CSV file (plain or .gz) and score what was told of one aspect against its labels.

    Rows with another label are skipped and counted. `model` is read with instead of the bundled one.
    """
    rows, skipped = labelled(path, columns, what, limit=limit)
    Reader(model).read(WARMING)
    parts = list(_parts(rows, what, taught, model))
    rows = [row for _, part_of, _ in parts for row in part_of]
    said: list[Reading] = []
    seconds = wishing = 0.0
    for reader, part_of, _ in parts:
        texts = [row.text for row in part_of]
        found, took = _timed(reader.read, texts)
        said, seconds, wishing = said + found, seconds + took, wishing + _wishing(reader, texts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    values = [told(reading, what) for reading in said]
    pairs = [(row.truth, *value) for row, value in zip(rows, values, strict=True)]
    return Measurement(
        what=what,
        reader=parts[0][0].version,
        n=len(rows),
        skipped=skipped,
        taught_with=parts[0][2],
        unknown=sum(not _is_told(reading, what) for reading in said),
        scores=_scores(pairs, what),
        confusion=confusion(pairs, what),
        cost=_cost(seconds, len(rows)),
        without_wishes=round(1000 * (seconds - wishing) / len(rows), 4),
        peak_memory_mb=peak,
        baseline=_baseline(rows, what),
        brands=_brands(rows, [value for value, _ in values]) if what == MOOD and columns.brand else {},
    )


def model_of(path: Path) -> LinearModel:
    """A model from a file; refuses one that cannot be read with a sentence."""
    try:
        body = path.read_bytes()
        return LinearModel.loads(body, linear.checksum(body))
    except OSError as error:
        raise UnmeasurableError(f"{path} cannot be read: {error}.") from error
    except BrokenModel as broken:
        raise UnmeasurableError(str(broken)) from broken


def confusion(pairs: Sequence[Said], what: str) -> dict[str, dict[str, int]]:
    """`[label][said]` counts texts, of the labels that occur; what was not read stands under ""."""
    counts = Counter((truth, said) for truth, said, _ in pairs)
    labels = [value for value in VALUES[what] if any(truth == value for truth, _ in counts)]
    heard = [*VALUES[what], *([""] if any(not said for _, said in counts) else [])]
    return {label: {said: counts[label, said] for said in heard} for label in labels}


# --- what is read, and by whom


def _parts(
    rows: list[Labelled], what: str, taught: Taught, model: LinearModel | None
) -> Iterator[tuple[Reader, list[Labelled], int]]:
    """Readers, what each is scored on, and with how many texts it was taught."""
    if taught.folds:
        for fold in range(taught.folds):
            mine = [row for row in rows if int(part(row.text) * taught.folds) == fold]
            yield from _one(mine, [row for row in rows if int(part(row.text) * taught.folds) != fold], what, model)
    elif taught.share:
        kept = [row for row in rows if part(row.text) >= taught.share]
        yield from _one(kept, [row for row in rows if part(row.text) < taught.share], what, model)
    else:
        yield Reader(model), rows, 0


def _one(
    rows: list[Labelled], lessons: list[Labelled], what: str, model: LinearModel | None
) -> Iterator[tuple[Reader, list[Labelled], int]]:
    if not rows or not lessons:
        raise UnmeasurableError("There are too few texts to teach with a part and to measure on the rest.")
    base = model or linear.bundled() or LinearModel("none")
    examples = [Example(row.text, what, row.truth) for row in lessons]
    yield Reader(fit(base, examples, version=NAME_OF_THE_TAUGHT)), rows, len(lessons)


def _is_told(reading: Reading, what: str) -> bool:
    return reading.sentiment is not Sentiment.UNKNOWN if what == MOOD else bool(getattr(reading, what).value)


# --- scores


def _scores(pairs: Sequence[Said], what: str) -> dict[str, Any]:
    found = figures(pairs)
    if what == "intent":
        f1 = [found["per_class"].get(name, {}).get("f1", 0.0) for name in FOUR]
        found["four_class_f1"] = round(sum(f1) / len(FOUR), 4)
    return found


def _brands(rows: Sequence[Labelled], said: Sequence[str]) -> dict[str, Any]:
    """The net mood of each brand, true and said, and how far they are apart."""
    moods = defaultdict[str, list[tuple[str, str]]](list)
    for row, mood in zip(rows, said, strict=True):
        moods[row.brand].append((row.truth, mood))
    each = {
        brand: {"n": len(found), "true": _net(truth for truth, _ in found), "said": _net(mood for _, mood in found)}
        for brand, found in sorted(moods.items())
    }
    errors = [abs(brand["true"] - brand["said"]) for brand in each.values()]
    return {"net_sentiment_error": round(sum(errors) / len(errors), 4), "each": each}


def _net(moods: Iterable[str]) -> float:
    counts = Counter(moods)
    return round((counts[Sentiment.POSITIVE.value] - counts[Sentiment.NEGATIVE.value]) / counts.total(), 4)


def _baseline(rows: Sequence[Labelled], what: str) -> dict[str, Any]:
    if what in (MOOD, "intent"):
        said, seconds = _timed(_moods_by_textblob if what == MOOD else _intents_by_textblob, [row.text for row in rows])
        cost = asdict(_cost(seconds, len(rows)))
    else:
        commonest = Counter(row.truth for row in rows).most_common(1)[0][0]
        said, cost = [commonest] * len(rows), {}
    pairs = [(row.truth, value, 1.0) for row, value in zip(rows, said, strict=True)]
    sure = ("sure_share", "sure_accuracy", "calibration_error", "n")
    scores = {name: score for name, score in _scores(pairs, what).items() if name not in sure}
    return {**scores, "confusion": confusion(pairs, what), **cost}


def _moods_by_textblob(texts: list[str]) -> list[str]:
    return [_mood_by_polarity(TextBlob(text).sentiment.polarity) for text in texts]


def _mood_by_polarity(polarity: float) -> str:
    if abs(polarity) <= TEXTBLOB_BORDER:
        return Sentiment.NEUTRAL.value
    return Sentiment.POSITIVE.value if polarity > 0 else Sentiment.NEGATIVE.value


def _intents_by_textblob(texts: list[str]) -> list[str]:
    """The most that its polarity can say: what is bad complains, what is good praises, the rest asks with a "?"."""
    by_mood = {Sentiment.NEGATIVE.value: Intent.COMPLAINT.value, Sentiment.POSITIVE.value: Intent.COMPLIMENT.value}
    moods = _moods_by_textblob(texts)
    asks = [Intent.QUESTION.value if "?" in text else Intent.OTHER.value for text in texts]
    return [by_mood.get(mood, asked) for mood, asked in zip(moods, asks, strict=True)]


# --- costs


def _timed(read: Callable[[list[str]], list[T]], texts: list[str]) -> tuple[list[T], float]:
    start = time.process_time()
    said = [each for at in range(0, len(texts), BATCH) for each in read(texts[at : at + BATCH])]
    return said, time.process_time() - start


def _wishing(reader: Reader, texts: list[str]) -> float:
    """The seconds that wishes, topics and urgency take by their words."""
    seconds = 0.0
    for at in range(0, len(texts), BATCH):
        batch = texts[at : at + BATCH]
        opinions = reader.see(batch, [""] * len(batch)).opinions
        start = time.process_time()
        for opinion in opinions:
            tell(opinion.prepared, Sentiment.NEUTRAL, Words.bundled())
        seconds += time.process_time() - start
    return seconds


def _cost(seconds: float, texts: int) -> Cost:
    seconds = max(seconds, 1e-9)
    return Cost(round(1000 * seconds / texts, 4), round(texts / seconds))
