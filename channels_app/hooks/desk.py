"""One thread for what webhooks want of the database, with a connection of its own.

It is not one of the pool: pages that take all of that do not make a network wait. It stays open between calls.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

R = TypeVar("R")

LOST = (OperationalError, InterfaceError)  # the database, not what was asked of it
CONNECT_SECONDS, STATEMENT_MS = 3, 5_000  # what takes longer is given up: a network waits


class Desk:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "hooks", initializer=_take_a_connection)

    async def do(self, work: Callable[[], R]) -> R:
        """One thing after the other. Raises what `work` raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.submit(lambda: connection.close())  # that of its thread
        self._thread.shutdown()


class Alone(DatabaseWrapper):
    """A connection on which nothing takes long."""

    def init_connection_state(self) -> None:
        super().init_connection_state()
        with self.connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {STATEMENT_MS}")


def _take_a_connection() -> None:
    """In this thread `django.db.connection` is another than elsewhere."""
    place = copy.deepcopy(connections.settings["default"])
    place["OPTIONS"].pop("pool", None)
    place["OPTIONS"].setdefault("connect_timeout", CONNECT_SECONDS)
    connections["default"] = Alone(place, "default")


def once_more(work: Callable[[], R]) -> R:
    """That a connection was cut while nobody used it shows when it is used: then it is asked on another.

    Raises what `work` raises the second time.
    """
    try:
        return work()
    except LOST:
        connection.close()
    try:
        return work()
    except LOST:
        connection.close()
        raise
