"""Who works on a channel, and on what there is one of: one process at a time per step, however many there are."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

from channels_app.models import Channel

INTAKE, ROUTING = 1, 2
FITTING, CHOOSING = 14, 15  # of models for reading


def intake(channel: Channel) -> None:
    """Wait for, and hold until the transaction ends, the right to store messages of this channel."""
    _hold(INTAKE, channel.pk)


def routing(channel: Channel) -> None:
    """The same for turning its messages into cases."""
    _hold(ROUTING, channel.pk)


def _hold(step: int, pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [step, pk])


def choosing() -> None:
    """The same for saying which model for reading is in use."""
    _hold(CHOOSING, 0)


@contextmanager
def fitting() -> Iterator[bool]:
    """Whether this process alone fits a model just now. The lock ends with the process, however that ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [FITTING])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [FITTING])
