"""The end of an erasure: nothing comes in on the person's channels while their names are taken away."""

from __future__ import annotations

from channels_app import inbox, locks
from channels_app.models import Channel, RawEvent
from channels_app.privacy.payloads import Search, channels_of, empty
from crm.privacy.holders import hold_still
from crm.privacy.people import Person


def hold(person: Person) -> None:
    """Intake and routing wait until the transaction ends. What they said before, and waits to be stored, is stored:

    else it would make a new customer of them a moment later.
    """
    for channel in channels_of(person):
        locks.intake(channel)
        locks.routing(channel)
        _take_in(channel, Search(channel, person))


def _take_in(channel: Channel, search: Search) -> None:
    waiting = RawEvent.objects.pending().filter(channel=channel).order_by("pk")
    theirs = [row for row in waiting.iterator() if search.finds(bytes(row.body))]
    for start in range(0, len(theirs), inbox.BATCH):
        inbox.take_in_these(channel, theirs[start : start + inbox.BATCH])
    empty(RawEvent.objects.filter(pk__in=[row.pk for row in theirs]))


def register_stillness() -> None:
    hold_still(hold)
