"""What all measuring commands share: a table for people and, with `--json`, one JSON object on the last line."""

import io
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from rich.console import Console
from rich.table import Table

WIDTH_OF_A_FILE = 120


def make_tables() -> None:
    """For a command that may be the first on a new machine: a database without any tables gets them."""
    if not connection.introspection.table_names():
        call_command("migrate", interactive=False, verbosity=0)


class Laps:
    """What each step of some work took: seconds, statements, and by how many megabytes the peak of the process rose."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[float, int, float]] = {}

    def lap(self, step: str, work: Callable[[], object]) -> None:
        asked = [0]

        def count(execute: Any, *rest: Any) -> Any:
            asked[0] += 1
            return execute(*rest)

        before, begin = self.peak(), time.monotonic()
        with Console(stderr=True).status(f"{step.capitalize()} …"), connection.execute_wrapper(count):
            work()
        self.taken[step] = (time.monotonic() - begin, asked[0], self.peak() - before)

    def rows(self) -> list[tuple[str, ...]]:
        """A row of headings, and one of each step."""
        head = ("", "seconds", "queries", "peak rose by")
        return [
            head,
            *((step, f"{took:.1f}", f"{n:,}", f"{rose:.0f} MB") for step, (took, n, rose) in self.taken.items()),
        ]

    @staticmethod
    def peak() -> float:
        """The most memory this process has had, in megabytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class MeasuringCommand(BaseCommand):
    """A command that measures and reports. A subclass that adds arguments calls `super().add_arguments(parser)`."""

    as_json = False
    needs_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="end with one JSON object on a line")

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.as_json = options["as_json"]
        if self.needs_tables:
            make_tables()
        return super().execute(*args, **options)

    def table(self, title: str, rows: Sequence[Sequence[object]]) -> None:
        """Print a table. The first row holds the headings; all columns but the first are set to the right."""
        headings, *body = rows
        table = Table(title=title, title_justify="left")
        for number, heading in enumerate(headings):
            table.add_column(str(heading), justify="right" if number else "left")
        for row in body:
            table.add_row(*(str(cell) for cell in row))
        self.stdout.write(self._drawn(table))

    def report(self, title: str, rows: Sequence[Sequence[object]], figures: Mapping[str, object]) -> None:
        """Print the last table and, where it was asked for, `figures` as JSON. Nothing may be printed after it."""
        self.table(title, rows)
        if self.as_json:
            self.stdout.write(json.dumps(figures, ensure_ascii=False))

    def _drawn(self, table: Table) -> str:
        people = self.stdout.isatty()
        console = Console(file=io.StringIO(), force_terminal=people, width=None if people else WIDTH_OF_A_FILE)
        with console.capture() as capture:
            console.print(table)
        return capture.get()
