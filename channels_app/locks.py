"""Who works on a channel, and on what there is one of: one process at a time per step, however many there are."""

from contextlib import AbstractContextManager

from django.db import connection

from channels_app.models import Channel
from crm.locks import alone

INTAKE, ROUTING = 1, 2
FITTING, CHOOSING = 3, 4  # of models for reading


def intake(channel: Channel) -> None:
    """Wait for, and hold until the transaction ends, the right to store messages of this channel."""
    _hold(INTAKE, channel.pk)


def routing(channel: Channel) -> None:
    """The same for turning its messages into cases."""
    _hold(ROUTING, channel.pk)


def choosing() -> None:
    """The same for saying which model for reading is in use."""
    _hold(CHOOSING, 0)


def _hold(step: int, pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [step, pk])


def fitting() -> AbstractContextManager[bool]:
    """Whether this process alone fits a model just now."""
    return alone(FITTING)
