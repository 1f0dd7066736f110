"""Which conversation a post stands in, also when posts arrive in any order.

A network that names its threads is believed: an answer never ties two of them together. Elsewhere a thread is what
hangs together by answers: a post that arrives late may show that two threads are one; then the younger is joined to the
older and its messages move over.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from channels_app import forgotten
from channels_app.models import Channel, Message, Thread
from channels_app.platforms.base import Event

KNOWN_FIELDS = (
    "id", "external_id", "parent_external_id", "thread_id", "text", "direction", "identity_id",
    "read_at", "edited_at", "deleted_at", "erased_at", "overheard",
)  # fmt: skip
Node = tuple[str, str | int]  # ("post", its id), ("name", the network's for a thread) or ("thread", pk of a stored one)


class Groups:
    """Union-find: what was joined, directly or through others, has the same leader."""

    def __init__(self) -> None:
        self._above: dict[Node, Node] = {}

    def leader(self, node: Node) -> Node:
        above = self._above.setdefault(node, node)
        while above != (higher := self._above[above]):
            self._above[node], node, above = higher, above, higher
        return above

    def join(self, one: Node, other: Node) -> None:
        self._above[self.leader(one)] = self.leader(other)

    def nodes(self) -> list[Node]:
        return list(self._above)


def relatives(channel: Channel, events: Sequence[Event]) -> dict[str, Message]:
    """Stored messages with the id of one of these events or of its parent, by id, erased ones too. One query."""
    ids = {e.external_id for e in events} | {e.parent_id for e in events if e.parent_id}
    marks = forgotten.marks(channel.pk, ids)
    rows = Message.objects.filter(external_id__in=[*ids, *marks], channel=channel).only(*KNOWN_FIELDS)
    return {marks.get(str(m.external_id), str(m.external_id)): m for m in rows}


def place(channel: Channel, events: Sequence[Event], known: Mapping[str, Message]) -> dict[str, int]:
    """Thread pk for each event's id; makes threads where there are none. At most 5 queries, whatever the batch."""
    if not events:
        return {}
    groups = Groups()
    _tie(groups, events, known)
    standing = _standing_threads(channel, events, known, groups)
    survivors = {leader: min(pks) for leader, pks in standing.items()}
    _join({loser: survivors[leader] for leader, pks in standing.items() for loser in pks - {survivors[leader]}})
    fresh = {}
    for event in events:
        leader = groups.leader(("post", event.external_id))
        if leader not in survivors and leader not in fresh:
            fresh[leader] = Thread(channel=channel, external_id=event.thread_id or event.external_id)
    Thread.objects.bulk_create(fresh.values())
    threads = survivors | {leader: thread.pk for leader, thread in fresh.items()}
    return {event.external_id: threads[groups.leader(("post", event.external_id))] for event in events}


def private_with(question: Message) -> Thread:
    """The conversation of us alone with who wrote `question`: as the network names it, else where we had it last.

    Where it is new and the network names it only later, its answers lead to it by their parent.
    """
    channel, identity = question.channel, question.identity
    if identity is None or channel.capabilities.written_by_hand:
        return question.thread
    if channel.capabilities.direct:
        return _called(channel, channel.capabilities.direct.format(key=identity.value))
    last = Message.objects.filter(channel=channel, identity=identity, private=True).order_by("-occurred_at", "-id")
    known = last.select_related("thread").first()
    return known.thread if known else Thread.objects.create(channel=channel, external_id=f"private:{uuid.uuid4()}")


def _called(channel: Channel, name: str) -> Thread:
    """The thread of this name, also where it stands under a mark since somebody of that name was erased."""
    marks = forgotten.marks(channel.pk, [name])
    known = Thread.objects.filter(channel=channel, external_id__in=[name, *marks]).order_by("pk").first()
    if known and known.external_id in marks:
        known.external_id = name
        known.save(update_fields=["external_id"])
    return known or Thread.objects.get_or_create(channel=channel, external_id=name)[0]


def _tie(groups: Groups, events: Iterable[Event], known: Mapping[str, Message]) -> None:
    for event in events:
        post: Node = ("post", event.external_id)
        # a thread without a name of its own goes by the id of a post, which may be the name the network uses later
        groups.join(post, ("name", event.thread_id or event.external_id))
        if event.parent_id and not event.thread_id:
            groups.join(post, ("post", event.parent_id))
    for external_id, message in known.items():
        groups.join(("post", external_id), ("thread", message.thread_id))


def _standing_threads(
    channel: Channel, events: Iterable[Event], known: Mapping[str, Message], groups: Groups
) -> dict[Node, set[int]]:
    """Pks of the stored threads in each group."""
    for parent_id, answered_in in _answered_already(channel, events, known):
        groups.join(("post", parent_id), ("thread", answered_in))
    names = {e.thread_id or e.external_id for e in events}
    marks = forgotten.marks(channel.pk, names)
    named = Thread.objects.filter(channel=channel, external_id__in=[*names, *marks])
    for pk, external_id, joined_to in named.values_list("pk", "external_id", "joined_to"):
        groups.join(("name", marks.get(external_id, external_id)), ("thread", joined_to or pk))
        if external_id in marks:  # somebody speaks in it again, so it needs the network's name for an answer
            Thread.objects.filter(pk=pk).update(external_id=marks[external_id])
    standing: dict[Node, set[int]] = defaultdict(set)
    for node in groups.nodes():
        if isinstance(thread := node[1], int):
            standing[groups.leader(node)].add(thread)
    return standing


def _answered_already(channel: Channel, events: Iterable[Event], known: Mapping[str, Message]) -> set[tuple[str, int]]:
    """(post, thread) of stored answers to what comes only now, or to a parent still unknown.

    Answers to a stored post stand in its thread already: a post with a hundred thousand of them costs no more than one.
    """
    late = {e.external_id for e in events if not e.thread_id}
    late |= {e.parent_id for e in events if e.parent_id and not e.thread_id}
    answers = Message.objects.filter(channel=channel, parent_external_id__in=late - set(known))
    return set(answers.order_by().values_list("parent_external_id", "thread_id").distinct())


def _join(losers: dict[int, int]) -> None:
    """Join threads {loser: survivor}: messages move and are routed anew, so that their cases follow. Two queries.

    The threads first: a reply just being written to one of them (`outbox.write`) is waited for, and moves as well.
    """
    if not losers:
        return
    pairs = [list(losers), list(losers.values())]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_thread AS t SET joined_to_id = n.survivor"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS n(loser, survivor)"
            " WHERE t.id = n.loser OR t.joined_to_id = n.loser",
            pairs,
        )
        cursor.execute(
            "UPDATE channels_app_message AS m SET thread_id = n.survivor, routed_at = NULL"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS n(loser, survivor) WHERE m.thread_id = n.loser",
            pairs,
        )
