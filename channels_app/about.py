"""What a network says that is no message: what became of ours, who likes what, and that our access is gone."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from channels_app import health, reactions
from channels_app.models import Channel, Credential, RawEvent
from channels_app.outbox import receipts
from channels_app.platforms.base import Event, EventKind

Parsed = tuple[RawEvent, Event]
KINDS = (EventKind.RECEIPT, EventKind.REACTION, EventKind.REVOKED)
OLD = "The account was connected again since."


def take_out(parsed: Sequence[Parsed]) -> tuple[list[Parsed], list[Parsed]]:
    """(what was said, what is told about it)"""
    said = [pair for pair in parsed if pair[1].kind not in KINDS]
    return said, [pair for pair in parsed if pair[1].kind in KINDS]


def hear(channel: Channel, told: Sequence[Parsed]) -> None:
    """Under the channel's intake lock, after the messages it may be about were stored."""
    receipts.hear(channel, _of(told, EventKind.RECEIPT))
    reactions.hear(channel, _of(told, EventKind.REACTION))
    if revoked := _of(told, EventKind.REVOKED):
        _shut(channel, revoked)


def _of(told: Sequence[Parsed], kind: EventKind) -> list[Parsed]:
    return [pair for pair in told if pair[1].kind is kind]


def _shut(channel: Channel, revoked: Sequence[Parsed]) -> None:
    """Unless a person has connected it since: what is read once more says nothing new."""
    held = Credential.objects.filter(channel=channel).values_list("connected_at", flat=True).first()
    for raw, event in revoked:
        if held and held > event.occurred_at:
            raw.state, raw.reason = RawEvent.State.DUPLICATE, OLD
        else:
            health.shut(channel, _("The network says that our access was taken away: connect the account again."))
