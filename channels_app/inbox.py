"""The way in: stored once, as it came (but for the private links we sent, crm.private_links); linked to a person; read.

`keep` stores what a network sent before anything else happens to it. `drain` works off what was kept, in batches with
a fixed number of queries. Both may run any number of times, on any number of machines, and may be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels_app import locks, storing
from channels_app.hooks import placing
from channels_app.learning import noting
from channels_app.models import Channel, FileLoad, Message, RawEvent, Search
from channels_app.platforms.base import Event, Json, RawPayload
from channels_app.platforms.errors import AccessRevoked, PlatformError
from crm import handoff, private_links, sealing

log = structlog.get_logger(__name__)

BATCH = 500
SECOND = timedelta(seconds=1)
DRAIN_JOB = "channels_app.jobs.drain"
PUT_BACK_JOB = "channels_app.jobs.put_back"


@transaction.atomic
def keep(
    *, channel: Channel, payloads: Iterable[RawPayload], cursor: Json | None = None, load: FileLoad | None = None,
    overheard: bool = False, found_by: Search | None = None,
) -> int:  # fmt: skip
    """Store payloads as they came and nudge the work. Returns how many rows were stored.

    `overheard` says that we asked for them, by a search (`found_by`) or by looking again: nobody brought them to us.

    With `cursor`, the channel's reading place moves in the same transaction, from `channel.cursor`; where another
    process has moved it already, nothing is stored: that process has these payloads.
    """
    rows = [_as_came(channel.pk, payload, load, overheard, found_by) for payload in payloads]
    if cursor is not None:
        if not Channel.objects.filter(pk=channel.pk, cursor=channel.cursor).update(cursor=cursor):
            return 0
        channel.cursor = cursor
    _keep(rows)
    return len(rows)


@transaction.atomic(savepoint=False)
def keep_many(arrived: Iterable[tuple[int, RawPayload]]) -> int:
    """What was brought to several channels at once, each by its pk, in the order in which it came."""
    rows = [_as_came(channel_id, payload) for channel_id, payload in arrived]
    _keep(rows)
    return len(rows)


def _keep(rows: Sequence[RawEvent]) -> None:
    if rows:
        RawEvent.objects.bulk_create(rows)
        _something_came({row.channel_id for row in rows if not row.overheard})
        for pk in sorted({row.channel_id for row in rows}):
            handoff.nudge(DRAIN_JOB, pk)


def _as_came(
    channel_id: int, payload: RawPayload, load: FileLoad | None = None, overheard: bool = False,
    found_by: Search | None = None,
) -> RawEvent:  # fmt: skip
    state = RawEvent.State.REJECTED if payload.trouble else RawEvent.State.NEW
    return RawEvent(
        channel_id=channel_id, body=private_links.hide(payload.body), origin=_writable(payload.origin)[:300],
        load=load, state=state, reason=_writable(payload.trouble)[:500], overheard=overheard, found_by=found_by,
    )  # fmt: skip


def _writable(text: str) -> str:
    """What a column of text takes: neither NUL nor half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _something_came(channels: Collection[int]) -> None:
    """To the second, and without waiting: where somebody holds the channel's row, the next payload says it."""
    if not channels:
        return
    now = timezone.now()
    stale = Q(last_in_at=None) | Q(last_in_at__lt=now - SECOND)
    free = Channel.objects.select_for_update(skip_locked=True).filter(stale, pk__in=channels).order_by()
    Channel.objects.filter(pk__in=free.values("pk")).update(last_in_at=now)


def drain(channel: Channel) -> int:
    """Turn all that was kept for `channel` into read messages and hand them on. Returns how many raw rows it took."""
    taken = 0
    while True:
        batch = take_in(channel)
        taken += batch
        was_read = read_batch(channel)
        if was_read:
            handoff.pass_on("message_ready", channel.pk)
        if not batch and not was_read:
            return taken


def work_off(channel: Channel) -> None:
    """The whole way to the case, here and now, for who cannot wait for a worker."""
    drain(channel)
    handoff.carry_on("message_ready", channel.pk)


@transaction.atomic
def take_in(channel: Channel) -> int:
    """One batch of raw rows → messages of known people in known threads. Returns how many raw rows it looked at.

    What came for a channel that is not connected any more waits until it is again.
    """
    locks.intake(channel)
    rows = list(RawEvent.objects.pending().filter(channel=channel).order_by("id")[:BATCH])
    try:
        return take_in_these(channel, rows)
    except (AccessRevoked, sealing.CannotOpen):
        log.info("what came waits: the channel is not connected", channel=channel.key)
        return 0


def take_in_these(channel: Channel, raw: Sequence[RawEvent]) -> int:
    """These rows at once, under the channel's intake lock."""
    if raw:
        _store(channel, parse(channel, raw))
        _record(raw)
    return len(raw)


def _store(channel: Channel, parsed: Sequence[storing.Parsed]) -> None:
    """All at once; where something in it breaks that, row by row, so that only the row at fault stays behind."""
    try:
        with transaction.atomic():
            storing.store(channel, parsed)
    except (OperationalError, InterfaceError):  # the database, not a row
        raise
    except Exception as error:
        rows = [list(events) for _, events in groupby(parsed, key=lambda pair: pair[0])]
        if len(rows) == 1:
            return _give_up(rows[0][0][0], error)
        for events in rows:
            events[0][0].state, events[0][0].reason = RawEvent.State.STORED, ""
            _store(channel, events)


def _give_up(row: RawEvent, error: Exception) -> None:
    why = (str(error).splitlines() or [""])[0] or type(error).__name__  # what follows may quote the customer
    log.error("an event could not be stored", raw=row.pk, error=type(error).__name__, why=why)
    row.state, row.reason = RawEvent.State.REJECTED, f"Hark could not store it: {why}"[:500]


def parse(channel: Channel, raw: Sequence[RawEvent]) -> list[tuple[RawEvent, Event]]:
    """Each raw row with each event in it; a row that cannot be read is rejected with its reason, alone."""
    platform, parsed = channel.connect(), []
    for row in raw:
        try:
            events = [_without_links(event) for event in platform.parse(bytes(row.body))]
        except PlatformError as error:
            row.state, row.reason = RawEvent.State.REJECTED, str(error)[:500]
        except Exception as error:  # a bug of ours must not hold up the neighbours; the row waits in the dead letters
            log.exception("payload broke the parser", channel=channel.key, raw=row.pk)
            row.state, row.reason = RawEvent.State.REJECTED, f"Hark could not read it: {type(error).__name__}."
        else:
            row.state = RawEvent.State.STORED if events else RawEvent.State.DUPLICATE
            parsed += [(row, event) for event in events]
    return parsed


def _without_links(event: Event) -> Event:
    """As `_as_came` does with the bytes; a mail may hold its text in another form."""
    text = private_links.hide(event.text)
    return event if text == event.text else replace(event, text=text)


def _record(raw: Sequence[RawEvent]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_rawevent AS r SET state = n.state, reason = n.reason"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS n(id, state, reason) WHERE r.id = n.id",
            [[r.pk for r in raw], [str(r.state) for r in raw], [r.reason.replace("\x00", "") for r in raw]],
        )
    if emptied := [r.pk for r in raw if not r.body]:
        RawEvent.objects.filter(pk__in=emptied).update(body=b"", origin="")


@transaction.atomic
def read_batch(channel: Channel) -> int:
    """Read one batch of unread messages. Several processes may do so at once: each takes rows no other holds."""
    found = Message.objects.to_read().filter(channel=channel).order_by("id").select_for_update(skip_locked=True)
    rows = list(found.values(*noting.NEEDED)[:BATCH])
    if rows:
        noting.note({channel: rows})
    return len(rows)


def replay(*, rows: Iterable[RawEvent]) -> int:
    """Put dead letters back to be read again. Returns how many."""
    rows = list(rows)
    placing.move_home(rows)
    channels = {row.channel_id for row in rows}
    count = RawEvent.objects.dead_letters().filter(pk__in=[row.pk for row in rows]).update(
        state=RawEvent.State.NEW, reason=""
    )  # fmt: skip
    for pk in channels:
        handoff.nudge(DRAIN_JOB, pk)
    return count


def put_back(channel: Channel) -> int:
    """Have what came while `channel` was paused read after all: in its order, a piece at a time. Returns how many."""
    count = 0
    while rows := list(_held_up().filter(channel=channel).order_by("id").only("channel", "origin")[:BATCH]):
        count += replay(rows=rows)
    return count


def _held_up() -> QuerySet[RawEvent]:
    return RawEvent.objects.dead_letters().filter(reason__startswith=placing.HELD_UP, channel__paused_at=None)


def unfinished() -> dict[str, set[int]]:
    """Pks of the channels with work at each step: the sweep's question, answered from the partial indexes."""
    return {
        "raw": set(RawEvent.objects.pending().values_list("channel", flat=True).distinct()),
        "held_up": set(_held_up().values_list("channel", flat=True).distinct()),
        "unread": set(Message.objects.to_read().values_list("channel", flat=True).distinct()),
        "unrouted": set(Message.objects.to_route().values_list("channel", flat=True).distinct()),
    }
