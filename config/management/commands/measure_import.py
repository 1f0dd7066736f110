"""`bin/manage measure_import --rows 400000`: so many customers in a file, checked, imported, again, and undone."""

from __future__ import annotations

import csv
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from django.core.files import File
from django.core.management.base import CommandError, CommandParser
from django.test.utils import override_settings
from rich.console import Console

from config.filling import FIRST, LAST
from crm.importing import bringing, running, undoing
from crm.measuring import MeasuringCommand
from crm.models import Import, User
from crm.models.staff import LEADING_ROLES

HEADER = ("id", "name", "email", "phone", "country", "city", "tier", "about")
WORDS = "asked for a window seat twice, travels with a cello, prefers the quiet coach and pays by card"


class Command(MeasuringCommand):
    help = "Measure an import of so many customers. What it imports it undoes again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rows", type=int, default=20_000)

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(role__in=LEADING_ROLES, is_active=True).order_by("pk").first()
        if by is None:
            raise CommandError("Nobody here leads; an import needs somebody who answers for it.")
        self.laps: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
            path = Path(folder) / "customers.csv"
            self._lap("writing the file", lambda: write(path, options["rows"]))
            self._measure(path, by, options["rows"])

    def _measure(self, path: Path, by: User, rows: int) -> None:
        size, source = path.stat().st_size / 1024 / 1024, f"measure-{uuid4().hex[:8]}"
        first = self._bring(path, source, by)
        self._lap("checking", lambda: _checked(first))
        self._lap("importing", lambda: _run(first))
        again = self._bring(path, source, by)
        self._lap("importing it again", lambda: _run(_checked(again)))
        self._lap("undoing", lambda: _undone(first))
        first.refresh_from_db()
        self._report(first, again, rows, size)
        Import.objects.filter(pk__in=[first.pk, again.pk]).delete()

    def _bring(self, path: Path, source: str, by: User) -> Import:
        with path.open("rb") as file:
            return bringing.bring(what=Import.What.CUSTOMERS, source=source, file=File(file), by=by)

    def _lap(self, step: str, work: Callable[[], object]) -> None:
        with Console(stderr=True).status(f"{step.capitalize()} …"):
            begin = time.monotonic()
            work()
            self.laps[step] = time.monotonic() - begin

    def _report(self, first: Import, again: Import, rows: int, size: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table = [("", "seconds", "rows/s")]
        table += [(step, f"{took:.1f}", f"{rows / took:,.0f}") for step, took in self.laps.items()]
        table.append(("peak memory", f"{peak:.0f} MB", ""))
        figures = {
            "rows": rows, "megabytes": round(size, 1), "made": first.made, "refused": first.refused, "same": again.same,
            "undone": first.state == Import.State.UNDONE, "trouble": first.trouble, "peak_megabytes": round(peak),
            **{f"rows_per_second_{step.replace(' ', '_')}": round(rows / took) for step, took in self.laps.items()},
        }  # fmt: skip
        self.report(f"{rows:,} customers, {size:.1f} MB", table, figures)


def write(path: Path, rows: int) -> None:
    """A believable export: about 100 bytes a row."""
    chance = Random(7)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            first, last = chance.choice(FIRST), chance.choice(LAST)
            email, phone = f"person.{number}@measure.example", f"+44 7911 {number % 1_000_000:06}"
            about = WORDS[: chance.randrange(len(WORDS))]
            tier = chance.choice(("standard", "standard", "valued", "key"))
            phone = phone if number < 1_000_000 else ""
            writer.writerow([f"M-{number}", f"{first} {last}", email, phone, "GB", "Leeds", tier, about])


def _checked(run: Import) -> Import:
    running.check(run=run, by=run.by)
    run.refresh_from_db()
    running.work_off(run)
    return run


def _run(run: Import) -> Import:
    running.start(run=run, by=run.by)
    run.refresh_from_db()
    running.work_off(run)
    return run


def _undone(run: Import) -> None:
    undoing.undo(run=run, by=run.by)
    undoing.work(run)
