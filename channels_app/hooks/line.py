"""Group commit: what came within some milliseconds is written at once, and only then answered.

While one lot is being written the next one gathers. So the more comes, the more goes into one transaction.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from django.db import transaction

from channels_app import inbox
from channels_app.hooks import notes
from channels_app.hooks.desk import LOST, Desk, once_more
from channels_app.platforms.base import RawPayload

log = structlog.get_logger(__name__)

Arrived = tuple[int, RawPayload]  # the pk of its channel, and what came
GATHER_SECONDS = 0.005
WAIT_SECONDS = 10.0  # from then on the network may as well call again
MOST, MOST_BYTES = 500, 16 * 1024 * 1024  # calls, and bytes of them, in one transaction
FULL_BYTES = 128 * 1024 * 1024  # waiting in all: what comes on top is not taken


class NotKept(Exception):
    """It is not in the database, as far as anybody knows: the network has to call again."""


@dataclass(slots=True)
class Waiting:
    """What one call brought, kept whole or not at all."""

    app: int
    arrived: Sequence[Arrived]
    size: int
    kept: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Line:
    def __init__(self, desk: Desk) -> None:
        self._desk, self._notes = desk, notes.Notes()
        self._waiting: list[Waiting] = []
        self._bytes = 0
        self._work: asyncio.Task[None] | None = None

    async def keep(self, app: int, arrived: Sequence[Arrived]) -> None:
        """Returns once it is committed. Raises NotKept."""
        one = Waiting(app, arrived, sum(len(payload.body) for _, payload in arrived))
        if self._bytes + one.size > FULL_BYTES:
            raise NotKept
        self._bytes += one.size
        self._waiting.append(one)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._write_all())
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                kept = await one.kept
        except TimeoutError:
            raise NotKept from None
        if not kept:
            raise NotKept

    async def _write_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            lot = self._next()
            write = functools.partial(_write, lot, asyncio.get_running_loop(), self._notes)
            try:
                await self._desk.do(write)
            finally:
                self._bytes -= sum(one.size for one in lot)

    def _next(self) -> list[Waiting]:
        """At least one."""
        size, number = 0, 0
        for one in self._waiting[:MOST]:
            size += one.size
            if number and size > MOST_BYTES:
                break
            number += 1
        lot, self._waiting = self._waiting[:number], self._waiting[number:]
        return lot


# --- in the desk's thread


def _write(lot: Sequence[Waiting], loop: asyncio.AbstractEventLoop, noted: notes.Notes) -> None:
    _store(lot, loop)
    if due := noted.due("called_at", (one.app for one in lot)):
        notes.take("called_at", due)


def _store(lot: Sequence[Waiting], loop: asyncio.AbstractEventLoop) -> None:
    """All at once; where something in it breaks that, halves of it, until what is at fault stands alone."""

    def told(kept: bool) -> object:
        return loop.call_soon_threadsafe(_tell, lot, kept)

    try:
        once_more(lambda: _commit(lot, told))
    except LOST as error:
        log.warning("webhooks were not stored", calls=len(lot), error=type(error).__name__)
        told(False)
    except Exception as error:
        if len(lot) > 1:
            _store(lot[: len(lot) // 2], loop)
            _store(lot[len(lot) // 2 :], loop)
        else:
            log.error("a webhook could not be stored", app=lot[0].app, error=type(error).__name__)
            told(False)


def _commit(lot: Sequence[Waiting], told: Callable[[bool], object]) -> None:
    """They are answered before the work is nudged: nobody waits for that, nor is it stored twice where that fails."""
    committed: list[object] = []
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(told(True)))
            inbox.keep_many(arrived for one in lot for arrived in one.arrived)
    except Exception:
        if not committed:
            raise
        log.exception("webhooks were stored, and the work on them was not nudged: the sweep will find them")


def _tell(lot: Sequence[Waiting], kept: bool) -> None:
    for one in lot:
        if not one.kept.done():  # nobody waits any more, or it was told before
            one.kept.set_result(kept)
