"""Receipts as they come from the network: about one message of ours by its id or our key, or about all up to a moment.

One may come before we know the id of what it is about: it waits in a row of its own (`told.catch_up`). One that names
our key says more than it means to: a reply in doubt has arrived, under that id.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from channels_app import forgotten
from channels_app.models import Channel, Delivery, Message, RawEvent, Receipt
from channels_app.outbox import told
from channels_app.outbox.settling import arrived
from channels_app.outbox.told import Fact
from channels_app.platforms.base import Event
from crm import private_links

WAITS = timedelta(days=30)  # then nobody will ask for what it is about any more
ANOTHERS = "About a message that did not leave from here."
TOO_EARLY = "It waits for the message it is about."


@dataclass(frozen=True, slots=True)
class Heard:
    """One receipt. `of` and `key` name the message where they are given, `thread` and `until` many. `waits`: it may be
    about a message whose id nobody knows yet."""

    raw: RawEvent
    fact: Fact
    of: str = ""
    key: str = ""
    thread: str = ""
    until: datetime | None = None
    waits: bool = True


def hear(channel: Channel, pairs: Sequence[tuple[RawEvent, Event]]) -> None:
    """A batch of events RECEIPT, under the channel's intake lock. A fixed number of queries, but for each reply in
    doubt that is found to have arrived."""
    take(channel, [heard for raw, event in pairs if (heard := _heard(raw, event))])


def _heard(raw: RawEvent, event: Event) -> Heard | None:
    state, extra = event.extra.get("state", ""), event.extra
    if state not in told.ORDER[1:]:
        raw.state, raw.reason = RawEvent.State.REJECTED, "A receipt that does not say what became of it."
        return None
    said = private_links.hide(f"{extra.get('said', '')} {extra.get('code', '')}".strip())[:200].replace("\x00", "")
    reason = told.why_failed(said)[:300] if state == told.Told.FAILED else ""
    until = datetime.fromisoformat(extra["until"]) if extra.get("until") and event.thread_id else None
    return Heard(
        raw, Fact(state, event.occurred_at, reason), event.parent_id, key_in(extra.get("key", "")),
        event.thread_id, until,
    )  # fmt: skip


def key_in(text: str) -> str:
    """A key of ours as it is written; "" where it is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


def take(channel: Channel, receipts: Sequence[Heard]) -> dict[int, Delivery]:
    """Keep what these say. Returns the replies they name, by pk."""
    if not receipts:
        return {}
    by_key, by_id = _keyed(channel, receipts), _named(channel, receipts)
    facts, waiting, found = _up_to(channel, receipts), [], {}
    confirmed = _arrived(channel, receipts, by_key, by_id)
    for heard in receipts:
        delivery = by_key.get(heard.key) or _delivery(by_id.get(heard.of), heard)
        if delivery:
            facts.append((delivery.pk, heard.fact))
            found[delivery.pk] = delivery
        elif heard.of in by_id or heard.key:
            _is_anothers(heard)
        elif heard.of and heard.waits:
            waiting.append(heard)
    arrived(channel, confirmed)
    told.note(told.furthest(facts))
    _let_wait(channel, waiting)
    return found


def _keyed(channel: Channel, receipts: Sequence[Heard]) -> dict[str, Delivery]:
    keys = {heard.key for heard in receipts if heard.key}
    if not keys:
        return {}
    found = Delivery.objects.filter(key__in=keys, message__channel=channel).select_related("message__identity")
    return {str(delivery.key): delivery for delivery in found.order_by("pk").select_for_update(of=("self",))}


def _named(channel: Channel, receipts: Sequence[Heard]) -> dict[str, Message]:
    ids = {heard.of for heard in receipts if heard.of}
    if not ids:
        return {}
    marks = forgotten.marks(channel.pk, ids)
    found = Message.objects.filter(channel=channel, external_id__in=[*ids, *marks])
    named = found.select_related("delivery", "identity")
    return {marks.get(str(message.external_id), str(message.external_id)): message for message in named}


def _delivery(message: Message | None, heard: Heard) -> Delivery | None:
    """Of the message with this id; none where it names a key of an earlier try."""
    delivery: Delivery | None = getattr(message, "delivery", None)
    return None if delivery and heard.key and heard.key != str(delivery.key) else delivery


def _arrived(
    channel: Channel, receipts: Sequence[Heard], by_key: dict[str, Delivery], by_id: dict[str, Message]
) -> list[Delivery]:
    """Replies whose outcome nobody knew: the network speaks of them by our key."""
    confirmed = []
    for heard in receipts:
        delivery = by_key.get(heard.key)
        if delivery and heard.of and heard.of not in by_id and delivery.message.external_id is None:
            delivery.confirm(external_id=heard.of, at=heard.fact.at)
            by_id[heard.of] = delivery.message
            confirmed.append(delivery)
    return confirmed


def _up_to(channel: Channel, receipts: Sequence[Heard]) -> list[tuple[int, Fact]]:
    """Of all we said in a thread up to a moment, where that is not known yet. One query."""
    latest: dict[tuple[str, str], Heard] = {}
    for heard in receipts:
        kind = (heard.thread, heard.fact.state)
        if heard.until and (kind not in latest or latest[kind].until < heard.until):  # type: ignore[operator]
            latest[kind] = heard
    if not latest:
        return []
    rows = list(latest.values())
    columns: list[Any] = [[h.thread for h in rows], [h.until for h in rows], [h.fact.rank + 1 for h in rows]]
    with connection.cursor() as cursor:
        cursor.execute(UP_TO, [*columns, channel.pk, told.ORDER])
        return [(pk, rows[place - 1].fact) for pk, place in cursor.fetchall()]


UP_TO = """
    SELECT d.id, n.place
      FROM unnest(%s::text[], %s::timestamptz[], %s::int[]) WITH ORDINALITY AS n(thread, until, rank, place)
      JOIN channels_app_thread AS t ON t.channel_id = %s AND t.external_id = n.thread
      JOIN channels_app_message AS m
        ON m.thread_id = COALESCE(t.joined_to_id, t.id) AND m.direction = 'out' AND m.occurred_at <= n.until
      JOIN channels_app_delivery AS d
        ON d.message_id = m.id AND d.state = 'sent' AND array_position(%s::text[], d.told::text) < n.rank"""


def _is_anothers(heard: Heard) -> None:
    if heard.until is None:
        heard.raw.state, heard.raw.reason = RawEvent.State.DUPLICATE, ANOTHERS


def _let_wait(channel: Channel, receipts: Sequence[Heard]) -> None:
    if not receipts:
        return
    rows = [
        Receipt(channel=channel, external_id=h.of, state=h.fact.state, reason=h.fact.reason, at=h.fact.at)
        for h in receipts
    ]
    Receipt.objects.bulk_create(rows, ignore_conflicts=True)
    for heard in receipts:
        heard.raw.reason = TOO_EARLY


def sweep() -> None:
    """Receipts nobody will ask for any more."""
    Receipt.objects.filter(stored_at__lt=timezone.now() - WAITS).delete()
