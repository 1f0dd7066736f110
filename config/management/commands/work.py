"""A worker: takes jobs until it is told to stop, or has done its share."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import django_rq
from django.core.management.base import BaseCommand
from django.db import close_old_connections
from rq import SimpleWorker


class HarkWorker(SimpleWorker):
    """Runs jobs in its own process: they are our code, and a fork per job costs five times as much."""

    def perform_job(self, *args: Any, **kwargs: Any) -> bool:
        close_old_connections()
        try:
            return super().perform_job(*args, **kwargs)
        finally:
            close_old_connections()


class Command(BaseCommand):
    help = "Run one worker in the foreground."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--max-jobs", type=int, default=20_000, help="end after so many; the supervisor starts anew"
        )
        parser.add_argument("--burst", action="store_true", help="end when there is nothing left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = django_rq.get_worker("now", "default", worker_class=HarkWorker)
        worker.work(max_jobs=options["max_jobs"], burst=options["burst"], logging_level="WARNING")
