"""Posts as an archive gives them, for tests of the way in."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from django.db import connection

from channels_app import inbox
from channels_app.models import Channel, Message, RawEvent
from channels_app.platforms.base import RawPayload

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
Row = dict[str, Any]


def post(id: object, text: str = "Where is my train?", *, minute: int = 0, **more: object) -> Row:
    """One row. `author` is "ann" unless the row is ours or says otherwise; `minute` counts from noon."""
    author = {} if more.get("ours") else {"author": "ann"}
    return {"id": str(id), "text": text, "at": (NOON + timedelta(minutes=minute)).isoformat(), **author, **more}


def payload(row: Row | bytes, origin: str = "posts.csv, row 1") -> RawPayload:
    return RawPayload(row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode(), origin)


def keep(channel: Channel, *rows: Row | bytes) -> list[RawEvent]:
    """Keep the rows, without looking at them. Returns what was kept, in order."""
    before = RawEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    inbox.keep(channel=channel, payloads=[payload(row) for row in rows])
    return list(RawEvent.objects.filter(id__gt=before).order_by("id"))


def take_in(channel: Channel, *rows: Row | bytes) -> list[RawEvent]:
    """Keep the rows as one batch and turn them into messages. Returns the raw rows with what became of them."""
    kept = keep(channel, *rows)
    while inbox.take_in(channel):
        pass
    return list(RawEvent.objects.filter(pk__in=[raw.pk for raw in kept]).order_by("id"))


def message(channel: Channel, id: object) -> Message:
    return Message.objects.get(channel=channel, external_id=str(id))


def threads_of(channel: Channel, ids: Iterable[object]) -> set[int]:
    """The threads in which these posts stand."""
    found = Message.objects.filter(channel=channel, external_id__in=[str(i) for i in ids])
    return set(found.values_list("thread_id", flat=True))


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Each deed in a thread and on a connection of its own, all let go together. Returns their answers in order."""
    barrier = Barrier(len(deeds), timeout=60)

    def act(deed: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [future.result() for future in [pool.submit(act, deed) for deed in deeds]]
