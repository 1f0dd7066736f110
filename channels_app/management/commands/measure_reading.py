"""How well Hark reads texts, measured against labels that people gave."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channels_app.reading import VERSION
from channels_app.reading.measuring import CLASSES, Cost, Measurement, Scores, UnmeasurableError, measure
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = "Measures how well the mood of texts is read, and what a text costs, beside TextBlob alone."
    requires_system_checks: list[str] = []  # no database, no URLs: nothing that a check could find
    needs_tables = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="a CSV file, plain or .gz")
        parser.add_argument("--text", required=True, help="the column that holds the text")
        parser.add_argument("--label", required=True, help="the column that holds negative, neutral or positive")
        parser.add_argument("--limit", type=_count, help="measure only the first rows")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = measure(options["file"], text=options["text"], label=options["label"], limit=options["limit"])
        except UnmeasurableError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.table("By class", _by_class(found))
        self.table("Confusion (rows: label, columns: read as)", _confusion(found.scores))
        self.report(f"Mood of {found.n:,} texts, read by {VERSION}", _summary(found), found.figures())


def _count(value: str) -> int:
    count = int(value)
    if count < 1:
        raise ValueError(value)
    return count


def _summary(found: Measurement) -> list[list[str]]:
    return [
        ["", "Hark", "TextBlob alone"],
        *_side_by_side(found.scores, found.textblob, found.cost, found.textblob_cost),
        ["texts", f"{found.n:,}", f"{found.n:,}"],
        ["skipped (another label)", f"{found.skipped:,}", f"{found.skipped:,}"],
        ["read as unknown (counted as neutral)", f"{found.unknown / found.n:.1%}", "-"],
    ]


def _side_by_side(ours: Scores, textblob: Scores, cost: Cost, textblob_cost: Cost) -> list[list[str]]:
    return [
        ["macro F1", f"{ours.macro_f1:.3f}", f"{textblob.macro_f1:.3f}"],
        ["macro recall", f"{ours.macro_recall:.3f}", f"{textblob.macro_recall:.3f}"],
        ["accuracy", f"{ours.accuracy:.3f}", f"{textblob.accuracy:.3f}"],
        ["CPU ms per message", f"{cost.cpu_ms_per_message:.3f}", f"{textblob_cost.cpu_ms_per_message:.3f}"],
        ["messages per second of one core", f"{cost.messages_per_second:,}", f"{textblob_cost.messages_per_second:,}"],
    ]


def _by_class(found: Measurement) -> list[list[str]]:
    rows = [["class", "texts", "precision", "recall", "F1", "TextBlob F1"]]
    for name in CLASSES:
        ours, textblob = found.scores.per_class[name], found.textblob.per_class[name]
        figures = (ours.precision, ours.recall, ours.f1, textblob.f1)
        rows.append([name, f"{ours.count:,}", *(f"{figure:.3f}" for figure in figures)])
    return rows


def _confusion(scores: Scores) -> list[list[str]]:
    rows = [["label", *CLASSES]]
    return rows + [[name, *(f"{scores.confusion[name][said]:,}" for said in CLASSES)] for name in CLASSES]
