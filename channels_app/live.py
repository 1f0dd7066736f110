"""What is told to open pages, and who may hear it.

A stream is a name like "team:3". Its events are rows, numbered without gaps, so that a page that was cut off asks for
what it missed. The number is taken after the change has committed, in a transaction of its own: the row lock that makes
numbers gapless is held for a millisecond and never together with the locks of a change. What a crash between the two
loses is a repaint, not a fact; the page has it at its next request. See docs/adr/0003.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction
from django.utils import timezone

from channels_app.models import LiveEvent, LiveStream
from crm.models import User

log = structlog.get_logger(__name__)

HUBS = "hubs"  # the layer group of which every web process is one member
MOST_MISSED = 200  # a page that missed more asks for the whole region again
KEPT = timedelta(hours=2)

Checker = Callable[[User, int], bool]
_checkers: dict[str, Checker] = {}
_listeners: dict[str, list[Callable[[Sequence[int]], None]]] = {}


@dataclass(frozen=True)
class News:
    """One thing to tell one stream."""

    stream: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


def stream_kind(kind: str, may_follow: Checker) -> None:
    """Declare a kind of stream; `may_follow(user, pk)` decides. Called by the app that owns what it is about."""
    _checkers[kind] = may_follow


def when(happening: str, then: Callable[[Sequence[int]], None]) -> None:
    """Register what an app further right tells its pages when something on the left happens to rows, by pk."""
    _listeners.setdefault(happening, []).append(then)


def announce(happening: str, *pks: int) -> None:
    for then in _listeners.get(happening, []) if pks else ():
        then(pks)


def may_follow(user: User, stream: str) -> bool:
    """Only by the one name a stream has: "case:7" is never "case:07"."""
    kind, _, pk = stream.partition(":")
    named = pk.isdecimal() and len(pk) < 19 and str(int(pk)) == pk
    return named and kind in _checkers and _checkers[kind](user, int(pk))


def tell(news: Iterable[News]) -> None:
    """Tell open pages once the current transaction has committed."""
    transaction.on_commit(functools.partial(_publish, list(news)))


def _publish(news: list[News]) -> None:
    numbered = _number(news)
    if not numbered:
        return
    try:
        async_to_sync(get_channel_layer().group_send)(HUBS, {"type": "news", "events": numbered})
    except (redis.RedisError, OSError) as error:
        log.warning("open pages were not told; they will ask", error=type(error).__name__)


@transaction.atomic
def _number(news: list[News]) -> list[dict[str, Any]]:
    """Store each piece of news for a stream somebody has followed, with its number. Others have no page to tell."""
    followed = LiveStream.objects.filter(name__in={piece.stream for piece in news})
    streams = {stream.name: stream for stream in followed.order_by("name").select_for_update()}
    events = []
    for piece in news:
        if stream := streams.get(piece.stream):
            stream.newest += 1
            events.append(LiveEvent(stream=piece.stream, number=stream.newest, kind=piece.kind, data=piece.data))
    LiveEvent.objects.bulk_create(events)
    LiveStream.objects.bulk_update(streams.values(), ["newest"])
    return [as_told(event) for event in events]


def as_told(event: LiveEvent) -> dict[str, Any]:
    return {"do": "event", "stream": event.stream, "number": event.number, "kind": event.kind, "data": event.data}


def numbers(streams: Iterable[str]) -> dict[str, int]:
    """The newest number of each stream. Ask before reading what the page shows; from here on each counts. One query.

    So that nothing falls between the drawing of a page and its first word on the socket.
    """
    names = list(streams)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH fresh AS ("
            " INSERT INTO channels_app_livestream (name, newest) SELECT name, 0 FROM unnest(%s::text[]) AS name"
            " ON CONFLICT DO NOTHING RETURNING name, newest"
            ") SELECT name, newest FROM fresh UNION ALL"
            " SELECT name, newest FROM channels_app_livestream WHERE name = ANY(%s)",
            [names, names],
        )
        return dict.fromkeys(names, 0) | dict(cursor.fetchall())


def follow(stream: str, since: int) -> tuple[int, list[dict[str, Any]] | None]:
    """Begin to follow: the newest number, and what came after `since`; None when that is too much, or forgotten."""
    row, _ = LiveStream.objects.get_or_create(name=stream)
    if since == row.newest:
        return row.newest, []
    if not 0 <= row.newest - since <= MOST_MISSED:
        return row.newest, None
    missed = list(LiveEvent.objects.filter(stream=stream, number__gt=since, number__lte=row.newest).order_by("number"))
    return row.newest, [as_told(e) for e in missed] if len(missed) == row.newest - since else None


def forget_old() -> int:
    """Drop events that no page will ask for any more. Returns how many."""
    return LiveEvent.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
