"""`bin/manage reread [--wait]`: read old messages anew, with the model and the words in use now."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from channels_app.learning import rereading
from channels_app.models import Rereading


class Command(BaseCommand):
    help = "Read all old messages anew, with the model and the words in use now. What people put right stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", action="store_true", help="do the work here and show how far it is")

    def handle(self, *args: Any, **options: Any) -> None:
        run = Rereading.objects.open().first()
        began = "Goes on with" if run else "Reads"
        run = run or (rereading.begin if options["wait"] else rereading.start)(by=None)
        self.stdout.write(f"{began} {run.total - run.looked_at:,} messages, with {run.version}.")
        if not options["wait"]:
            self.stdout.write("The workers do it, behind other work. --wait does it here.")
            return
        self._wait(run)
        self.stdout.write(_outcome(run))

    def _wait(self, run: Rereading) -> None:
        """Workers that run may take batches too: the row says when all is done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("Reading anew", total=run.total, completed=run.looked_at)
            while run.is_open:
                if not rereading.advance(run.pk, batches=1):
                    time.sleep(0.1)
                run.refresh_from_db()
                progress.update(bar, completed=run.looked_at)


def _outcome(run: Rereading) -> str:
    done = f"{run.looked_at:,} messages looked at, {run.changed:,} read otherwise than before."
    return done if run.finished_at else f"Stopped. {done}"
