"""How well Hark reads texts, measured against labels that people gave."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channels_app.reading.labelled import Columns, UnmeasurableError
from channels_app.reading.measuring import Measurement, Taught, measure, model_of
from channels_app.reading.teaching import MOOD, VALUES
from crm.measuring import MeasuringCommand

NAMES = {MOOD: "Mood", "intent": "Wish", "topic": "Topic", "urgency": "Urgency"}
SIDE_BY_SIDE = {
    "macro F1": "macro_f1",
    "macro recall": "macro_recall",
    "accuracy": "accuracy",
    "F1 of complaint, question, compliment, purchase": "four_class_f1",
}


class Command(MeasuringCommand):
    help = "Measures how well texts are read, and what a text costs, beside TextBlob alone."
    requires_system_checks: list[str] = []  # no database, no URLs: nothing that a check could find
    needs_tables = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="a CSV file, plain or .gz")
        parser.add_argument("--what", default=MOOD, choices=list(VALUES), help="what is read of the texts")
        parser.add_argument("--text", default="text", help="the column that holds the text")
        parser.add_argument("--label", required=True, help="the column that holds what is true")
        parser.add_argument("--brand", default="", help="the column of the brand, for the net mood of each")
        parser.add_argument("--limit", type=_count, help="measure only the first rows")
        parser.add_argument("--model", type=Path, help="read with the model of this file instead of the one in use")
        taught = parser.add_mutually_exclusive_group()
        taught.add_argument("--train-share", type=_share, default=0.0, help="teach with this part, measure on the rest")
        taught.add_argument("--folds", type=_folds, default=0, help="read each of so many parts as the others teach")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = _measured(options)
        except UnmeasurableError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.table("By class", _by_class(found))
        self.table("Confusion (rows: label, columns: read as)", _confusion(found))
        if found.brands:
            self.table("Net mood of each brand", _brands(found))
        title = f"{NAMES[found.what]} of {found.n:,} texts, read by {found.reader}"
        self.report(title, _summary(found), found.figures())


def _measured(options: dict[str, Any]) -> Measurement:
    return measure(
        options["file"],
        Columns(options["text"], options["label"], options["brand"]),
        what=options["what"],
        limit=options["limit"],
        taught=Taught(options["train_share"], options["folds"]),
        model=model_of(options["model"]) if options["model"] else None,
    )


def _count(value: str) -> int:
    count = int(value)
    if count < 1:
        raise ValueError(value)
    return count


def _share(value: str) -> float:
    share = float(value)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{value} is not between 0 and 1.")
    return share


def _folds(value: str) -> int:
    folds = int(value)
    if not 2 <= folds <= 20:
        raise argparse.ArgumentTypeError(f"{value} is not between 2 and 20.")
    return folds


def _summary(found: Measurement) -> list[list[str]]:
    beside = "TextBlob alone" if "cpu_ms_per_message" in found.baseline else "always the commonest"
    rows = [["", "Hark", beside]]
    for name, key in SIDE_BY_SIDE.items():
        if key in found.scores:
            rows.append([name, f"{found.scores[key]:.3f}", f"{found.baseline[key]:.3f}"])
    return rows + _alone(found) + _costs(found)


def _alone(found: Measurement) -> list[list[str]]:
    scores = found.scores
    counted = " (counted as neutral)" if found.what == MOOD else ""
    return [
        ["read with confidence 0.7 or more", f"{scores['sure_share']:.1%}", "-"],
        ["accuracy there", f"{scores['sure_accuracy']:.3f}", "-"],
        ["calibration error", f"{scores['calibration_error']:.3f}", "-"],
        ["texts", f"{found.n:,}", f"{found.n:,}"],
        ["taught with", f"{found.taught_with:,}", "-"],
        ["skipped (another label)", f"{found.skipped:,}", f"{found.skipped:,}"],
        [f"not read{counted}", f"{found.unknown / found.n:.1%}", "-"],
    ]


def _costs(found: Measurement) -> list[list[str]]:
    beside = found.baseline
    cpu = f"{beside['cpu_ms_per_message']:.3f}" if "cpu_ms_per_message" in beside else "-"
    speed = f"{beside['messages_per_second']:,}" if "messages_per_second" in beside else "-"
    return [
        ["CPU ms per message", f"{found.cost.cpu_ms_per_message:.3f}", cpu],
        ["  without wish, topic and urgency", f"{found.without_wishes:.3f}", "-"],
        ["messages per second of one core", f"{found.cost.messages_per_second:,}", speed],
        ["peak memory, MB", f"{found.peak_memory_mb:,}", "-"],
    ]


def _by_class(found: Measurement) -> list[list[str]]:
    rows = [["class", "texts", "precision", "recall", "F1", "F1 beside"]]
    for name, ours in found.scores["per_class"].items():
        beside = found.baseline["per_class"][name]["f1"]
        figures = (ours["precision"], ours["recall"], ours["f1"], beside)
        rows.append([name, f"{ours['count']:,}", *(f"{figure:.3f}" for figure in figures)])
    return rows


def _confusion(found: Measurement) -> list[list[str]]:
    columns = list(next(iter(found.confusion.values())))
    rows = [["label", *(name or "not read" for name in columns)]]
    return rows + [[name, *(f"{said[column]:,}" for column in columns)] for name, said in found.confusion.items()]


def _brands(found: Measurement) -> list[list[str]]:
    rows = [["brand", "texts", "true", "read"]]
    for brand, each in found.brands["each"].items():
        rows.append([brand, f"{each['n']:,}", f"{each['true']:+.3f}", f"{each['said']:+.3f}"])
    return [*rows, ["mean absolute error", "", "", f"{found.brands['net_sentiment_error']:.3f}"]]
