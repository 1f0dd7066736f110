"""One timeline of a customer: what was said on every channel, and what happened meanwhile.

Several sources give their newest rows after a place in the list; they are merged, and the list goes on from the last
row shown. So a page costs one query a source, however long the history. An app further up adds its own with `source`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.models import Message
from channels_app.models.messages import MessageQuerySet
from crm.models import Activity, Customer, Order, User

PAGE = 20


@dataclass(frozen=True)
class Wanted:
    """What of it is to be shown. The first four hold for messages alone: where one is set, nothing else is shown."""

    channel: int | None = None
    direction: str = ""
    private: bool | None = None
    words: str = ""
    since: datetime | None = None
    messages: bool = True
    events: bool = True

    @property
    def only_messages(self) -> bool:
        return bool(self.channel or self.direction or self.private is not None or self.words)

    def of(self, messages: MessageQuerySet) -> MessageQuerySet:
        exact = {"channel": self.channel, "direction": self.direction or None, "private": self.private}
        messages = messages.filter(**{name: value for name, value in exact.items() if value is not None})
        return messages.filter(text__icontains=self.words) if self.words else messages


@dataclass(frozen=True)
class Entry:
    """One line. `item` is a message, or what happened: then `icon` and `text` say it, and `url` leads there."""

    at: datetime
    rank: int
    pk: int
    item: Any
    icon: str = ""
    text: str = ""
    url: str = ""

    @property
    def key(self) -> tuple[datetime, int, int]:
        return self.at, self.rank, self.pk


@dataclass(frozen=True)
class Place:
    """A line's key: the list, newest first, goes on after it."""

    at: datetime
    rank: int
    pk: int

    def after(self, rank: int, at: str) -> Q:
        """Those rows of the source of this rank that come later in the list; `at` is their column of time."""
        if rank > self.rank:
            return Q(**{f"{at}__lt": self.at})
        if rank < self.rank:
            return Q(**{f"{at}__lte": self.at})
        return Q(**{f"{at}__lt": self.at}) | Q(**{at: self.at, "pk__lt": self.pk})


@dataclass(frozen=True)
class Told:
    """What happened, in one line."""

    icon: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Source:
    """Rows of one kind: those of a customer that this user may see, their column of time, and each row in words."""

    rows: Callable[[Customer, User], QuerySet[Any]]
    at: str
    tell: Callable[[Any], Told]


@dataclass(frozen=True)
class Page:
    entries: Sequence[Entry]
    after: str = field(default="")  # where the next page goes on; "" on the last


SOURCES: list[Source] = []  # the rank of each is its place here, after the messages


def source(rows: Callable[[Customer, User], QuerySet[Any]], *, at: str, tell: Callable[[Any], Told]) -> None:
    """Let these rows stand in every customer's timeline. Called when an app starts, always in the same order."""
    SOURCES.append(Source(rows, at, tell))


@dataclass(frozen=True)
class Question:
    """Whose timeline, what of it, who asks, where the page before ended, and how many lines."""

    customer: Customer
    wanted: Wanted
    user: User
    place: Place | None
    size: int

    def messages(self) -> list[Entry]:
        rows = self.wanted.of(Message.objects.of_customer(self.customer))
        found = self._cut(rows.select_related("channel", "identity", "sent_by"), 0, "occurred_at")
        return [Entry(message.occurred_at, 0, message.pk, message) for message in found]

    def events(self, rank: int, source: Source) -> list[Entry]:
        found = self._cut(source.rows(self.customer, self.user), rank, source.at)
        told = [(row, source.tell(row)) for row in found]
        return [Entry(getattr(row, source.at), rank, row.pk, row, t.icon, t.text, t.url) for row, t in told]

    def _cut(self, rows: QuerySet[Any], rank: int, at: str) -> list[Any]:
        if self.wanted.since:
            rows = rows.filter(**{f"{at}__gte": self.wanted.since})
        if self.place:
            rows = rows.filter(self.place.after(rank, at))
        return list(rows.order_by(f"-{at}", "-pk")[: self.size + 1])


def page_of(customer: Customer, wanted: Wanted, *, user: User, after: str = "", size: int = PAGE) -> Page:
    """One page, newest first. `after` is where the one before ended; what cannot be read starts from the top."""
    ask, parts = Question(customer, wanted, user, place_in(after), size), []
    if wanted.messages:
        parts.append(ask.messages())
    if wanted.events and not wanted.only_messages:
        parts += [ask.events(rank, kind) for rank, kind in enumerate(SOURCES, 1)]
    found = list(islice(merge(*parts, key=lambda entry: entry.key, reverse=True), size + 1))
    last = found[size - 1] if len(found) > size else None
    return Page(found[:size], f"{last.at.isoformat()}~{last.rank}~{last.pk}" if last else "")


def place_in(text: str) -> Place | None:
    try:
        at, rank, pk = text.split("~")
        place = Place(datetime.fromisoformat(at), int(rank), int(pk))
    except ValueError:
        return None
    return place if timezone.is_aware(place.at) and 0 <= place.rank < 2**15 and 0 <= place.pk < 2**63 else None


# --- what the ground floor knows of a customer

ICONS = {
    "linked": "link", "confirmed": "link", "withdrawn": "link-slash", "rejected": "link-slash",
    "merged": "arrows-pointing-in", "unmerged": "arrow-uturn-left", "consent": "hand-raised", "changed": "pencil",
    "joined": "building-office", "came back": "building-office", "left": "building-office", "erased": "trash",
}  # fmt: skip


def deeds(customer: Customer, user: User) -> QuerySet[Activity]:
    return Activity.objects.about(customer)


def deed_told(deed: Activity) -> Told:
    text = _("%(what)s by %(who)s") % {"what": deed.verb.capitalize(), "who": deed.by or "Hark"}
    return Told(ICONS.get(deed.verb, "check"), f"{text}: {deed.detail}" if deed.detail else text)


def orders(customer: Customer, user: User) -> QuerySet[Order]:
    return Order.objects.of_customer(customer).select_related("account")


def order_told(order: Order) -> Told:
    facts = {"number": order.number, "what": order.what, "account": order.account or ""}
    text = _("Ordered for %(account)s: %(number)s") if order.account else _("Ordered: %(number)s")
    return Told("shopping-bag", (f"{text}, %(what)s" if order.what else text) % facts)


def register() -> None:
    source(deeds, at="at", tell=deed_told)
    source(orders, at="placed_at", tell=order_told)
