"""`bin/manage import_records customers.csv --what customers --source crm --column id=ContactID --dry-run`"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from crm.errors import Refused
from crm.exporting import csv_blocks
from crm.importing import bringing, refused, running
from crm.importing.fields import FIELDS
from crm.measuring import MeasuringCommand
from crm.models import Import, User
from crm.models.staff import LEADING_ROLES

SLICE = 0.5  # seconds between two looks at how far it is


class Command(MeasuringCommand):
    help = "Import records of another system from a CSV or JSON Lines file; the same as Imports on the screen."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--what", required=True, choices=list(FIELDS))
        parser.add_argument("--source", required=True, help="the system whose ids these are: crm, shop; hark: our own")
        parser.add_argument(
            "--column", action="append", default=[], metavar="OURS=THEIRS", help="what is not guessed; may come again"
        )
        parser.add_argument("--encoding", default="", help="where it is not found: utf-8, cp1252, latin-1 …")
        parser.add_argument("--by", default="", help="user name of who answers for it (default: the first who leads)")
        parser.add_argument("--dry-run", action="store_true", help="only say what would come of it")
        parser.add_argument("--refused", type=Path, help="where to write refused rows (default: FILE.refused.csv here)")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._bring(options, _person(options["by"]))
        try:
            running.check(run=run, by=run.by)
            self._follow(run, "Checking")
            if not options["dry_run"]:
                running.start(run=run, by=run.by)
                self._follow(run, "Importing")
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._report(run, options)

    def _bring(self, options: dict[str, Any], by: User) -> Import:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            with path.open("rb") as file:
                run = bringing.bring(what=options["what"], source=options["source"], file=File(file), by=by)
            if options["encoding"]:
                run = bringing.read_as(run=run, encoding=options["encoding"], by=by)
            columns = {**run.columns, **_pairs(options["column"])}
            return bringing.name_columns(run=run, columns=columns, by=by)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _follow(self, run: Import, word: str) -> None:
        """Work it off here. A worker that takes a part of it does no harm."""
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task(word, total=100)
            run.refresh_from_db()
            while run.is_under_way:
                before = run.done
                running.work_off(run, seconds=SLICE)
                run.refresh_from_db()
                if run.is_under_way and run.done == before:  # a worker is at it just now
                    time.sleep(SLICE)
                progress.update(bar, completed=run.per_cent, description=f"{word} · {run.done:,} rows")
        if run.state == Import.State.BROKEN:
            raise CommandError(run.trouble)

    def _report(self, run: Import, options: dict[str, Any]) -> None:
        counts = {name: getattr(run, name) for name in ("rows", "made", "changed", "same", "refused", "parked")}
        if run.refused:
            self._write_refused(run, options["refused"] or Path(f"{options['file'].name}.refused.csv"))
        figures = {"import": run.pk, "state": run.state, **counts}
        labels = ("rows", "new", "changed", "as they were", "refused", "wait for a decision")
        rows = [(label, f"{count:,}") for label, count in zip(labels, counts.values(), strict=True)]
        title = f"{run.name}, {run.get_what_display().lower()}" + (", only checked" if options["dry_run"] else "")
        if options["dry_run"]:
            bringing.let_go(run=run)
        self.report(title, [("", ""), *rows], figures)

    def _write_refused(self, run: Import, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            file.writelines(csv_blocks(refused.columns(run), refused.rows(run)))
        self.stdout.write(f"Refused rows, with what is wrong: {path}. Mend them there and import that file.")


def _person(username: str) -> User:
    people = User.objects.filter(is_active=True, role__in=LEADING_ROLES).order_by("pk")
    found = people.filter(username=username).first() if username else people.first()
    if found is None:
        who = f"{username} does not lead here." if username else "Nobody here leads."
        raise CommandError(f"{who} Name a team lead or an administrator with --by.")
    return found


def _pairs(texts: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not equals:
            raise CommandError(f"--column takes OURS=THEIRS, such as id=ContactID; not {text!r}.")
        found.setdefault(ours.strip(), []).append(theirs.strip())
    return found
