"""How well Hark finds customers who are recorded twice, measured on rows whose persons are known."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from crm.matching.measuring import PERSONS, UnmeasurableError, figures, measure_groups, rows_of
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = "Group the rows of a file into persons, by the steps matching takes, and compare with the true groups."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help=f"a CSV file, plain or .gz, with some of: {', '.join(PERSONS)}")
        parser.add_argument("--cluster", required=True, help="the column that says which rows are one person")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = rows_of(options["file"], [options["cluster"]], optional=PERSONS)
            found = measure_groups(rows, cluster=options["cluster"])
        except UnmeasurableError as refusal:
            raise CommandError(str(refusal)) from refusal
        table = [
            ["", "pairs of rows"],
            ["F1", f"{found.f1:.3f}"],
            ["precision", f"{found.precision:.3f}"],
            ["recall", f"{found.recall:.3f}"],
            ["pairs that are one person", f"{found.pairs:,}"],
            ["pairs found", f"{found.found:,}"],
        ]
        self.report(f"Persons in {found.n:,} rows", table, figures(found))
