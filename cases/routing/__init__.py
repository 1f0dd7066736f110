"""From a message to its case: the customer's open case on that thread, or a new one.

Works in batches with a fixed number of queries, one process per channel at a time; the cases a batch touches are
locked, so that it never overwrites what an agent is doing. Posts may come in any order: the case ends as if they had
come as they were said.
"""

from __future__ import annotations

from django.db import transaction

from cases.models import Case
from cases.routing.batch import gather, left_over
from cases.routing.placing import place
from cases.routing.saving import save
from channels_app import locks
from channels_app.models import Channel, Message

BATCH = 500


def route(channel: Channel) -> int:
    """Route every message of `channel` that is ready. Returns how many."""
    routed = 0
    while batch := route_batch(channel):
        routed += batch
    return routed


@transaction.atomic
def route_batch(channel: Channel) -> int:
    locks.routing(channel)
    found = list(Message.objects.to_route().filter(channel=channel).order_by("id")[:BATCH])
    if found:
        batch = gather(channel, found)
        for message in [*found, *left_over(found)]:
            place(batch, message)
        save(batch, found)
    return len(found)


@transaction.atomic
def bring_in(message: Message) -> Case | None:
    """Route one message that nobody said to us, because somebody says that it concerns us. The case it came to."""
    locks.routing(message.channel)
    current = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    batch = gather(message.channel, [current], called=[current.pk])
    place(batch, current)
    save(batch, [current])
    return Case.objects.filter(entries__message=current).first()
