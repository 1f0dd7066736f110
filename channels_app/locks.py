"""Who works on a channel: one process at a time per step, however many there are."""

from django.db import connection

from channels_app.models import Channel

INTAKE, ROUTING = 1, 2


def intake(channel: Channel) -> None:
    """Wait for, and hold until the transaction ends, the right to store messages of this channel."""
    _hold(INTAKE, channel.pk)


def routing(channel: Channel) -> None:
    """The same for turning its messages into cases."""
    _hold(ROUTING, channel.pk)


def _hold(step: int, pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [step, pk])
