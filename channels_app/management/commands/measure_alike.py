"""How well posts that say the same are found, in a file of posts and in floods made of it."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channels_app.reading import measuring_alike as measuring
from crm.measuring import MeasuringCommand

CHANGED = (0, 5, 10, 15, 20)  # percent of the words


class Command(MeasuringCommand):
    help = "Measures how well copies and floods of nearly the same posts are found: precision and recall of pairs."
    requires_system_checks: list[str] = []  # no database, no URLs: nothing that a check could find
    needs_tables = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="a CSV file, plain or .gz")
        parser.add_argument("--text", default="text", help="the column that holds the text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            texts = measuring.texts_of(options["file"], options["text"])
        except measuring.UnmeasurableError as refusal:
            raise CommandError(str(refusal)) from refusal
        found = {"copies": measuring.copies(texts)}
        found |= {f"flood, {percent} % changed": measuring.floods(texts, percent) for percent in CHANGED}
        cost = round(measuring.microseconds(texts), 1)
        rows = [[name, each.truly, f"{each.precision:.4f}", f"{each.recall:.4f}"] for name, each in found.items()]
        figures = {name: each.figures() for name, each in found.items()} | {"n": len(texts), "cpu_us_per_post": cost}
        title = f"{len(texts):,} posts, {cost} µs of CPU each"
        self.report(title, [["", "pairs", "precision", "recall"], *rows], figures)
