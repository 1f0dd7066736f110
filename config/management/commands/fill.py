"""`bin/manage fill --customers 1000000 --cases 100000`: a believable bulk, for measuring pages and search at size."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.filling import fill_cases
from config.filling_accounts import fill_accounts
from config.filling_customers import fill_customers
from crm.measuring import make_tables


class Command(BaseCommand):
    help = "Add a believable bulk: customers with all they go by, accounts, cases with their customers and messages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, help="how many customers, with handles, addresses and numbers")
        parser.add_argument("--accounts", type=int, help="how many accounts, with customers among their stakeholders")
        parser.add_argument("--cases", type=int, help="how many cases, on the channel “Bulk”")
        parser.add_argument("--messages", type=int, help="how many messages in those cases, about")
        parser.add_argument("--seed", type=int, default=1, help="the same seed adds the same rows")

    def handle(self, *args: Any, **options: Any) -> None:
        fillers: dict[str, Callable[..., object]] = {
            "customers": fill_customers,
            "accounts": fill_accounts,
            "cases": fill_cases,
        }
        wanted = {kind: options[kind] for kind in fillers if options[kind] is not None}
        if not wanted:
            raise CommandError("Say what to add: --customers, --accounts or --cases, with how many.")
        if options["messages"] is not None and options["messages"] < (options["cases"] or 0):
            raise CommandError("--messages goes with --cases, and is at least as many.")
        if below := next((kind for kind, count in wanted.items() if count < 1), None):
            raise CommandError(f"--{below} takes a number above 0.")
        make_tables()
        for kind, count in wanted.items():
            more = {"messages": options["messages"]} if kind == "cases" else {}
            self._fill(kind, count, partial(fillers[kind], seed=options["seed"], **more))

    def _fill(self, kind: str, count: int, filler: Callable[..., object]) -> None:
        began = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task(f"Writing {kind}", total=count)
            filler(count, tick=lambda n: progress.advance(bar, n))
        seconds = time.monotonic() - began
        self.stdout.write(f"{count:,} {kind} in {seconds:.1f} s ({count / seconds:,.0f} a second).")
