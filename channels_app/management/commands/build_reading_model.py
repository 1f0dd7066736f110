"""Builds the model for reading that Hark comes with, from a file of labelled posts."""

from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from channels_app import reading
from channels_app.reading.building import TooLargeError, build
from channels_app.reading.labelled import Columns, UnmeasurableError, labelled
from channels_app.reading.reader import LONGEST_MODEL_VERSION
from channels_app.reading.teaching import MOOD

HERE = Path(reading.__file__).parent
ORIGIN = "SemEval 2013-2016 task A (Twitter), without the validation and test texts of TweetEval"
LICENCE = "not settled: see docs/reading-model.md"


class Command(BaseCommand):
    help = "Builds the model for reading moods that Hark comes with, and its card."
    requires_system_checks: list[str] = []  # it needs neither the database nor the pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file, plain or .gz")
        parser.add_argument("--text", default="text", help="the column that holds the text")
        parser.add_argument("--label", default="label", help="the column that holds negative, neutral or positive")
        parser.add_argument("--model-version", type=_version, default="semeval-1", help="what the model is called")
        parser.add_argument("--origin", default=ORIGIN, help="where the texts come from, for the card")
        parser.add_argument("--licence", default=LICENCE, help="under which terms they stand, for the card")
        parser.add_argument("--on", type=date.fromisoformat, default=None, help="the date of the card (today)")
        parser.add_argument("--into", type=Path, default=HERE, help="the folder to write to (where Hark looks for it)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows, _ = labelled(options["file"], Columns(options["text"], options["label"]), MOOD)
            card = build(
                [(row.text, row.truth) for row in rows], version=options["model_version"],
                origin=options["origin"], licence=options["licence"],
                on=options["on"] or timezone.localdate(), into=options["into"],
            )  # fmt: skip
        except (UnmeasurableError, TooLargeError) as refusal:
            raise CommandError(str(refusal)) from refusal
        figures = card["held_back"]
        self.stdout.write(
            f"{card['version']}: {card['bytes']:,} bytes, fitted on {len(rows):,} texts. Of those held back, "
            f"macro recall {figures['macro_recall']:.3f}, accuracy {figures['accuracy']:.3f}."
        )


def _version(text: str) -> str:
    if not 0 < len(text) <= LONGEST_MODEL_VERSION:
        raise ArgumentTypeError(f"{LONGEST_MODEL_VERSION} characters at most")
    return text
