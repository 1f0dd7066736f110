"""What we sent and a network gave back: nobody can be reached there. Who sent it is told, and says what it was.

A reply of ours was not delivered, and says so in its case. Whoever else sends, by a way of its own, gives itself a name
here, from its app's `ready()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from channels_app.models import Channel, RawEvent
from channels_app.outbox import receipts
from channels_app.outbox.told import Fact, Told
from channels_app.platforms.base import Event, EventKind
from channels_app.platforms.email import is_for_good
from crm import private_links, reachable

Hears = Callable[[Event], str]
_hearers: list[Hears] = []
NOBODYS = "It came back, and nobody here knows of having sent it."


def heard_by(hears: Hears) -> None:
    """`hears(event)` is called in the transaction in which it is stored, and may be again; it gives a finished
    sentence, or "" where it did not send what came back."""
    if hears not in _hearers:
        _hearers.append(hears)


def take_out(channel: Channel, parsed: Sequence[tuple[RawEvent, Event]]) -> list[tuple[RawEvent, Event]]:
    """Tell of what came back; the rest, which was said."""
    rest, ours = [], []
    for raw, event in parsed:
        if event.kind is not EventKind.RETURNED:
            rest.append((raw, event))
        elif said := next(filter(None, (hears(event) for hears in _hearers)), ""):
            raw.reason = said[:500]
        else:
            ours.append((raw, event))
    _hear(channel, ours)
    return rest


def _hear(channel: Channel, pairs: Sequence[tuple[RawEvent, Event]]) -> None:
    """Replies that came back: each failed, and nothing more goes to an address that does not exist."""
    heard = {event.external_id: _as_receipt(raw, event) for raw, event in pairs}
    found = receipts.take(channel, [receipt for receipt in heard.values() if receipt.key or receipt.of])
    by_key = {str(delivery.key): delivery for delivery in found.values()}
    by_id = {delivery.message.external_id: delivery for delivery in found.values()}
    for raw, event in pairs:
        receipt = heard[event.external_id]
        delivery = by_key.get(receipt.key) or by_id.get(receipt.of)
        if delivery is None:
            raw.state, raw.reason = RawEvent.State.STORED, NOBODYS
        elif delivery.message.identity and is_for_good(event.extra.get("status", "")):
            reachable.close(identity=delivery.message.identity, why=_said(event))
            raw.reason = _("A reply came back: the address is closed.")
        else:
            raw.reason = _("A reply came back.")


def _as_receipt(raw: RawEvent, event: Event) -> receipts.Heard:
    why = _("The mail came back, so they have not got it: %(said)s") % {"said": _said(event)}
    fact = Fact(Told.FAILED.value, event.occurred_at, why[:300])
    key = receipts.key_in(event.extra.get("key", ""))
    return receipts.Heard(raw, fact, event.extra.get("message_id", "")[:255], key, waits=False)


def _said(event: Event) -> str:
    said = f"{event.extra.get('status', '')} {event.extra.get('said', '')}".strip().replace("\x00", "")
    return private_links.hide(said) or _("no reason was given.")
