"""The clock: enqueues what config/cron.py lists. Of several, one runs; the others stand by."""

from __future__ import annotations

import time
from typing import Any

import django_rq
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils.module_loading import import_string
from rq.cron import CronScheduler

from config.cron import EVERY

LOCK = 0x4861726B  # "Hark": RQ's own scheduler knows no leader, PostgreSQL does
STANDBY_SECONDS = 5


class Command(BaseCommand):
    help = "Run the clock in the foreground."

    def handle(self, *args: Any, **options: Any) -> None:
        self._lead()
        scheduler = CronScheduler(connection=django_rq.get_connection("default"), logging_level="WARNING", name="hark")
        for path, seconds in EVERY.items():
            # a run nobody took in time is dropped: the next one finds the same work
            scheduler.register(import_string(path), "now", interval=seconds, result_ttl=0, ttl=max(30, seconds * 2))
        scheduler.start()

    def _lead(self) -> None:
        """Wait for the lock, which ends with this connection, however the process ends."""
        with connection.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
                if cursor.fetchone()[0]:
                    return
                time.sleep(STANDBY_SECONDS)
