"""`bin/manage fill --cases 100000`: a believable bulk, for measuring pages at size."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.filling import fill_cases


class Command(BaseCommand):
    help = "Add a believable bulk of cases with customers and messages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--cases", type=int, required=True, help="how many")
        parser.add_argument("--seed", type=int, default=1, help="the same seed adds the same rows")

    def handle(self, *args: Any, **options: Any) -> None:
        count = options["cases"]
        if count < 1:
            raise CommandError("--cases takes a number above 0.")
        began = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("Writing", total=count)
            fill_cases(count, seed=options["seed"], tick=lambda n: progress.advance(bar, n))
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{count:,} cases in {seconds:.1f} s ({count / seconds:,.0f} a second), on the channel “Bulk”."
        )
