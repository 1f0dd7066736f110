"""Which conversation a post stands in, also when posts arrive in any order.

A network that names its threads is believed. Elsewhere a thread is what hangs together by answers: a post that arrives
late may show that two threads are one; then the younger is joined to the older and its messages move over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Q

from channels_app.models import Channel, Message, Thread
from channels_app.platforms.base import Event

KNOWN_FIELDS = (
    "id", "external_id", "parent_external_id", "thread_id", "text", "direction", "identity_id", "read_at", "edited_at", "deleted_at",
)  # fmt: skip


class Groups:
    """Union-find over ids: what was joined, directly or through others, has the same leader."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def leader(self, node: str) -> str:
        above = self._above.setdefault(node, node)
        while above != (higher := self._above[above]):
            self._above[node], node, above = higher, above, higher
        return above

    def join(self, one: str, other: str) -> None:
        self._above[self.leader(one)] = self.leader(other)


def relatives(channel: Channel, events: Sequence[Event]) -> list[Message]:
    """Stored messages with the id of one of these events or of its parent, and stored answers to either. One query."""
    ids = {e.external_id for e in events} | {e.parent_id for e in events if e.parent_id}
    return list(
        Message.objects.filter(Q(external_id__in=ids) | Q(parent_external_id__in=ids), channel=channel).only(*KNOWN_FIELDS)
    )


def place(channel: Channel, events: Sequence[Event], known: Sequence[Message]) -> dict[str, int]:
    """Thread pk for each event's id; makes threads where there are none. At most 6 queries, whatever the batch."""
    if not events:
        return {}
    groups = Groups()
    _tie(groups, events, known)
    standing = _standing_threads(channel, events, known, groups)
    survivors = {leader: min(pks) for leader, pks in standing.items()}
    _join({loser: survivors[leader] for leader, pks in standing.items() for loser in pks - {survivors[leader]}})
    fresh = {}
    for event in events:
        leader = groups.leader(event.external_id)
        if leader not in survivors and leader not in fresh:
            fresh[leader] = Thread(channel=channel, external_id=event.thread_id or event.external_id)
    Thread.objects.bulk_create(fresh.values())
    threads = survivors | {leader: thread.pk for leader, thread in fresh.items()}
    return {event.external_id: threads[groups.leader(event.external_id)] for event in events}


def _tie(groups: Groups, events: Iterable[Event], known: Iterable[Message]) -> None:
    for event in events:
        if event.thread_id:
            groups.join(event.external_id, f"thread {event.thread_id}")
        elif event.parent_id:
            groups.join(event.external_id, event.parent_id)
    for message in known:
        groups.join(message.external_id or f"message {message.pk}", f"thread pk {message.thread_id}")
        if message.parent_external_id:
            groups.join(message.parent_external_id, f"thread pk {message.thread_id}")


def _standing_threads(
    channel: Channel, events: Iterable[Event], known: Iterable[Message], groups: Groups
) -> dict[str, set[int]]:
    """Pks of the stored threads in each group."""
    named = {e.thread_id or e.external_id: e.external_id for e in events}
    standing: dict[str, set[int]] = defaultdict(set)
    for message in known:
        standing[groups.leader(f"thread pk {message.thread_id}")].add(message.thread_id)
    rows = Thread.objects.filter(channel=channel, external_id__in=named)
    for pk, external_id, joined_to in rows.values_list("pk", "external_id", "joined_to"):
        standing[groups.leader(named[external_id])].add(joined_to or pk)
    return standing


def _join(losers: dict[int, int]) -> None:
    """Join threads {loser: survivor}: messages move and are routed anew, so that their cases follow."""
    for survivor in set(losers.values()):
        gone = [loser for loser, kept in losers.items() if kept == survivor]
        Message.objects.filter(thread__in=gone).update(thread=survivor, routed_at=None)
        Thread.objects.filter(Q(pk__in=gone) | Q(joined_to__in=gone)).update(joined_to=survivor)
