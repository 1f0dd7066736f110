"""How well, and how fast, Hark finds the owner of a handle."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from crm.matching.at_size import AtSize, measure_at_size
from crm.matching.measuring import ACCOUNTS, CUSTOMERS, Linked, UnmeasurableError, figures, measure_links, rows_of
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = (
        "Propose an owner for each handle of a file, by the steps matching takes, and compare with the true owners; "
        "or, with --at-size, take the time of single proposals among the customers there are, and show the plans."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--customers", type=Path, help=f"a CSV file with {', '.join(CUSTOMERS)}")
        parser.add_argument("--accounts", type=Path, help=f"a CSV file with {', '.join(ACCOUNTS)}")
        parser.add_argument("--at-size", action="store_true", help="measure time on the database as it stands")
        parser.add_argument("--handles", type=int, default=50, help="with --at-size: how many new handles")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["at_size"]:
            return self._at_size(options["handles"])
        if not options["customers"] or not options["accounts"]:
            raise CommandError("Name both files, --customers and --accounts; or ask for --at-size.")
        try:
            found = measure_links(rows_of(options["customers"], CUSTOMERS), rows_of(options["accounts"], ACCOUNTS))
        except UnmeasurableError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.report(f"Owners of {found.n:,} handles", _table(found), figures(found))
        return None

    def _at_size(self, handles: int) -> None:
        if handles < 1:
            raise CommandError("--handles takes a number above 0.")
        found = measure_at_size(handles)
        if found is None:
            raise CommandError("There is nobody to propose: run bin/manage fill --customers 1000000 first.")
        self.stdout.write(found.by_name.plan if found.by_name else "")
        self.table("The questions of one proposal", _steps(found))
        figures = found.figures()
        title = f"Proposals for one new handle among {found.customers:,} customers"
        self.report(
            title, [["", ""], *([name.replace("_", " "), f"{value:,}"] for name, value in figures.items())], figures
        )


def _steps(found: AtSize) -> list[list[str]]:
    rows = [["asked", "ms", "by the indexes", "tables read whole"]]
    return rows + [
        [step.about, f"{step.ms:.2f}", ", ".join(step.indexes) or "-", ", ".join(step.scanned) or "-"]
        for step in found.steps
    ]


def _table(found: Linked) -> list[list[str]]:
    return [
        ["", "handles"],
        ["precision (right, of those proposed)", f"{found.precision:.1%}"],
        ["recall (right, of those whose owner is a customer)", f"{found.recall:.1%}"],
        ["given an owner though theirs is no customer", f"{found.false_links_absent:.1%}"],
        ["owner is a customer", f"{found.owners_in_crm:,}"],
        ["owner is no customer", f"{found.owners_absent:,}"],
        ["proposed", f"{found.proposed:,}"],
        ["right", f"{found.right:,}"],
    ]
