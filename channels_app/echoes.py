"""Our own posts come back from the network. One that we are just sending is recognised, not stored again."""

from __future__ import annotations

from collections.abc import Sequence

from channels_app import live
from channels_app.models import Channel, Delivery, Message
from channels_app.outbox.settling import arrived
from channels_app.platforms.base import Event


def recognise(channel: Channel, events: Sequence[Event]) -> dict[str, Message]:
    """Those of our own posts that are replies from our outbox, by id. Confirms each reply as sent.

    A network that returns our key settles it; elsewhere the same text in answer to the same post does, while the reply
    is on its way. Anything else of ours was posted in the network's own app and is stored as such.
    """
    if not events:
        return {}
    on_their_way = list(
        Delivery.objects.on_their_way().filter(message__channel=channel, message__external_id=None)
        .select_related("message").select_for_update(of=("self",))
    )  # fmt: skip
    confirmed: dict[str, Delivery] = {}
    for event in events:
        if delivery := next((d for d in on_their_way if _same(event, d)), None):
            on_their_way.remove(delivery)
            delivery.confirm(external_id=event.external_id, at=event.occurred_at)
            confirmed[event.external_id] = delivery
    arrived(channel, list(confirmed.values()))
    live.announce("delivery", *(delivery.pk for delivery in confirmed.values()))
    return {external_id: delivery.message for external_id, delivery in confirmed.items()}


def _same(event: Event, delivery: Delivery) -> bool:
    if key := event.extra.get("key"):
        return key == str(delivery.key)
    message = delivery.message
    return event.parent_id == message.parent_external_id and event.text == message.text
