"""How often the cause that somebody chose is among those that are suggested."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cases.likely import measuring
from cases.likely.measuring import Measured
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = (
        "Suggest causes for the newest resolved cases by what older ones teach, or for the rows of a file, and count."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", nargs="?", type=Path, help="a CSV file, plain or .gz, in place of what is resolved")
        parser.add_argument("--every", type=int, metavar="N", help="try every Nth case, by what all others teach")
        parser.add_argument("--text", default="text", help="the column that holds what was said")
        parser.add_argument("--cause", default="cause", help="the column that holds the cause")

    def handle(self, *args: Any, **options: Any) -> None:
        found = self._of_file(options) if options["file"] else measuring.of_history(options["every"])
        if not found.tried:
            raise CommandError("There is no resolved case to try it on.")
        rows = [
            ["", "suggested", "the commonest, each time"],
            ["the right one stands first", _percent(found, found.first), _percent(found, found.commonest_first)],
            ["it is among three", _percent(found, found.among), _percent(found, found.commonest_among)],
            ["something is suggested", _percent(found, found.suggested), "100.0%"],
        ]
        shares = {name: round(found.share(getattr(found, name)), 4) for name in ("first", "among", "suggested")}
        title = f"Causes of {found.tried:,} cases, learned from {found.learned:,}"
        self.report(title, rows, {"learned": found.learned, "tried": found.tried, **shares})

    def _of_file(self, options: dict[str, Any]) -> Measured:
        try:
            return measuring.of_file(options["file"], options["text"], options["cause"])
        except KeyError as missing:
            raise CommandError(f"The file has no column {missing}.") from missing
        except OSError as trouble:
            raise CommandError(f"The file cannot be read: {trouble.strerror}.") from trouble


def _percent(found: Measured, n: int) -> str:
    return f"{found.share(n):.1%}"
