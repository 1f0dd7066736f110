"""What is told to open pages, and who may hear it.

A stream is a name like "team:3". Its events are rows, numbered without gaps, so that a page that was cut off asks for
what it missed. The number is taken after the change has committed, in a transaction of its own: the row lock that makes
numbers gapless is held for a millisecond and never together with the locks of a change. What a crash between the two
loses is a repaint, not a fact; the page has it at its next request. See docs/adr/0003.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

from channels_app.models import LiveEvent, LiveStream
from crm.models import User

log = structlog.get_logger(__name__)

HUBS = "hubs"  # the layer group of which every web process is one member
MOST_MISSED = 200  # a page that missed more asks for the whole region again
KEPT = timedelta(hours=2)

Checker = Callable[[User, int], bool]
_checkers: dict[str, Checker] = {}
_listeners: dict[str, list[Callable[[int], None]]] = {}


@dataclass(frozen=True)
class News:
    """One thing to tell one stream."""

    stream: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


def stream_kind(kind: str, may_follow: Checker) -> None:
    """Declare a kind of stream; `may_follow(user, pk)` decides. Called by the app that owns what it is about."""
    _checkers[kind] = may_follow


def when(happening: str, then: Callable[[int], None]) -> None:
    """Register what an app further right tells its pages when something on the left happens to row `pk`."""
    _listeners.setdefault(happening, []).append(then)


def announce(happening: str, pk: int) -> None:
    for then in _listeners.get(happening, []):
        then(pk)


def may_follow(user: User, stream: str) -> bool:
    kind, _, pk = stream.partition(":")
    return kind in _checkers and pk.isdigit() and len(pk) < 19 and _checkers[kind](user, int(pk))


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
    streams = {
        s.name: s for s in LiveStream.objects.filter(name__in={n.stream for n in news}).order_by("name").select_for_update()
    }
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
    """The newest number of each stream, as a page is drawn. Streams nobody followed yet begin at 0."""
    names = list(streams)
    return dict.fromkeys(names, 0) | dict(LiveStream.objects.filter(name__in=names).values_list("name", "newest"))


def follow(stream: str, since: int) -> tuple[int, list[dict[str, Any]] | None]:
    """Begin to follow: the newest number, and what came after `since`; None when that is too much, or forgotten."""
    row, _ = LiveStream.objects.get_or_create(name=stream)
    if since == row.newest:
        return row.newest, []
    if not 0 <= row.newest - since <= MOST_MISSED:
        return row.newest, None
    missed = list(LiveEvent.objects.filter(stream=stream, number__gt=since, number__lte=row.newest).order_by("number"))
    return row.newest, [as_told(e) for e in missed] if len(missed) == row.newest - since else None


def forget_old() -> None:
    """Drop events that no page will ask for any more."""
    LiveEvent.objects.filter(at__lt=timezone.now() - KEPT).delete()
