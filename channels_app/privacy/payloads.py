"""What came over the wire about a person, read or not: found by reading it again, since nothing else leads there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from channels_app import forgotten, inbox, linking
from channels_app.models import Channel, Message, RawEvent
from channels_app.models.raw import EMPTIED
from channels_app.platforms.base import Author, Event
from crm.models import Identity
from crm.privacy.holders import Holder, Row, columns, register
from crm.privacy.people import Person

AT_ONCE = 1_000  # payloads looked at in one transaction
BEFORE = timedelta(minutes=10)  # a payload may have been on its way into the database for so long
EVERYWHERE = (Identity.Kind.EMAIL, Identity.Kind.PHONE)


def channels_of(person: Person) -> QuerySet[Channel]:
    """Where they spoke, or may speak under one of their names."""
    theirs = Identity.objects.filter(pk__in=person.identities)
    spoke = Message.objects.filter(identity__in=person.identities).order_by().values("channel")
    found = Channel.objects.order_by("pk")
    if theirs.filter(kind__in=EVERYWHERE).exists():
        return found
    return found.filter(Q(pk__in=spoke) | Q(place__in=theirs.values("place")) | Q(platform="by_hand"))


class Search:
    """Says of a payload of one channel whether it is about the person."""

    def __init__(self, channel: Channel, person: Person) -> None:
        self.channel, self.person, self.platform = channel, person, channel.connect()
        theirs = Identity.objects.filter(pk__in=person.identities)
        self._keys = set(theirs.values_list("kind", "place", "value"))

    @cached_property
    def _posts(self) -> set[str | None]:
        here = Message.objects.filter(channel=self.channel, identity__in=self.person.identities)
        return set(here.values_list("external_id", flat=True))

    @cached_property
    def _has_marks(self) -> bool:
        return any(name and name.startswith(forgotten.PREFIX) for name in self._posts)

    def events(self, body: bytes) -> list[Event] | None:
        """None for what nobody can read."""
        try:
            return self.platform.parse(body)
        except Exception:  # whatever a parser makes of broken bytes
            return None

    def finds(self, body: bytes) -> bool:
        events = self.events(body)
        if not events:
            return self.person.names.stand_in_bytes(body)
        return any(map(self.is_theirs, events))

    def only_theirs(self, rows: list[RawEvent]) -> list[RawEvent]:
        return [row for row in rows if self._is_only_theirs(bytes(row.body))]

    def _is_only_theirs(self, body: bytes) -> bool:
        events = self.events(body)
        return all(map(self.is_theirs, events)) if events else self.person.names.stand_in_bytes(body)

    def is_theirs(self, event: Event) -> bool:
        """They said it, we said it to them, or it is about such a post."""
        if self._is_known(event.external_id) or (event.author and self._is_them(event.author)):
            return True
        return bool(event.is_ours and event.addressed_to and self._is_them(Author(key=event.addressed_to)))

    def _is_known(self, post: str) -> bool:
        return post in self._posts or (self._has_marks and not self._posts.isdisjoint(
            forgotten.marks(self.channel.pk, [post])
        ))  # fmt: skip

    def _is_them(self, author: Author) -> bool:
        return linking.key_of(self.channel, author) in self._keys


T = TypeVar("T")


def _walk(rows: QuerySet[RawEvent], take: Callable[[list[RawEvent]], T]) -> Iterator[T]:
    """`take` of a thousand rows at a time, in the order they came."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = found[-1].pk
        yield take(found)


def _kept(channel: Channel) -> QuerySet[RawEvent]:
    return RawEvent.objects.filter(channel=channel).exclude(body=b"")


def _rows(person: Person) -> Iterator[Row]:
    """Those that are about nobody else."""
    for channel in channels_of(person):
        search = Search(channel, person)
        for found in _walk(_kept(channel), search.only_theirs):
            yield from (_row(row, channel) for row in found)


def _row(row: RawEvent, channel: Channel) -> Row:
    return {"received_at": row.received_at, "channel": channel.name, "state": row.state, "body": row.readable}


def _read(channel: Channel) -> QuerySet[RawEvent]:
    return _kept(channel).exclude(state=RawEvent.State.NEW)


def _erase(person: Person) -> Iterator[int]:
    """What waits is stored first: emptied before it was read, it would be a letter nobody can read."""
    for channel in channels_of(person):
        while inbox.take_in(channel):
            yield 0
        yield from _walk(_read(channel), _emptying(Search(channel, person)))


def _erase_late(person: Person) -> Iterator[int]:
    """What came since they were to be erased; all before has been looked at."""
    since = (person.customer.erased_at or person.customer.created_at) - BEFORE
    for channel in channels_of(person):
        yield from _walk(_read(channel).filter(received_at__gte=since), _emptying(Search(channel, person)))


def _emptying(search: Search) -> Callable[[list[RawEvent]], int]:
    def take(rows: list[RawEvent]) -> int:
        found = [row.pk for row in rows if search.finds(bytes(row.body))]
        return empty(RawEvent.objects.filter(pk__in=found)) if found else 0

    return take


def empty(rows: QuerySet[RawEvent]) -> int:
    """Nothing of them is kept but that they came; a dead letter is none any more."""
    rows.dead_letters().update(state=RawEvent.State.DUPLICATE)  # type: ignore[attr-defined]
    return rows.update(body=b"", origin="", reason=EMPTIED)


def register_payloads() -> None:
    register(
        Holder(
            "payloads", _("What came over the wire"), ("channels_app.rawevent",),
            _("Emptied: what was stored, and letters nobody could read that name them."), lambda person: None,
            _erase, _rows,
            columns(RawEvent, "received_at", "state", channel=_("channel"), body=_("as received")),
            reads="body", keeps=_("That something came, and when."), erase_late=_erase_late,
        )
    )  # fmt: skip
