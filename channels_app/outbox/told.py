"""What a network says became of a reply: it took it, could not deliver it, delivered it, they read it.

That is the order in which it may go on, whatever comes first: who has read it has got it, though an earlier word said
that it could not be delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from channels_app.models import Channel, Delivery, Receipt
from channels_app.outbox.stopping import stop_after, tell

Told = Delivery.Told
ORDER = ["", Told.SENT.value, Told.FAILED.value, Told.DELIVERED.value, Told.READ.value]


@dataclass(frozen=True, slots=True)
class Fact:
    """`state` is one of `Told`; `reason` is a sentence where it failed."""

    state: str
    at: datetime
    reason: str = ""

    @property
    def rank(self) -> int:
        return ORDER.index(self.state)


def why_failed(said: str) -> str:
    if said:
        return _("The network took it and could not deliver it: %(said)s") % {"said": said}
    return _("The network took it and could not deliver it.")


def furthest(facts: Iterable[tuple[int, Fact]]) -> dict[int, Fact]:
    """Of several facts about a reply the one that says most."""
    found: dict[int, Fact] = {}
    for pk, fact in facts:
        if pk not in found or found[pk].rank < fact.rank:
            found[pk] = fact
    return found


def note(facts: Mapping[int, Fact]) -> None:
    """Keep what is told of replies, by the pk of their delivery, where that says more than what was told before.

    Of what is still on its way nothing is told, and of what was erased neither. One query; another one where some
    could not be delivered.
    """
    if not facts:
        return
    columns = [[*facts], *([getattr(fact, name) for fact in facts.values()] for name in ("state", "at", "reason"))]
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [*columns, ORDER, ORDER])
        moved = cursor.fetchall()
    stop_after([pk for pk, state in moved if state == Told.FAILED])
    tell(*[pk for pk, _state in moved])


NOTE = """
    UPDATE channels_app_delivery AS d
       SET told = n.told, told_at = n.at,
           state = CASE WHEN n.told = 'failed' THEN 'failed' WHEN d.told = 'failed' THEN 'sent' ELSE d.state END,
           sent_at = CASE WHEN n.told = 'failed' THEN NULL WHEN d.told = 'failed' THEN m.occurred_at ELSE d.sent_at END,
           reason = CASE WHEN n.told = 'failed' THEN n.reason WHEN d.told = 'failed' THEN '' ELSE d.reason END
      FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[]) AS n(id, told, at, reason),
           channels_app_message AS m
     WHERE d.id = n.id AND m.id = d.message_id AND m.erased_at IS NULL
       AND (d.state = 'sent' OR d.state = 'failed' AND d.told = 'failed')
       AND array_position(%s::text[], d.told::text) < array_position(%s::text[], n.told)
 RETURNING d.id, d.told"""


def catch_up(channel: Channel, confirmed: Sequence[Delivery]) -> None:
    """What was told of these before anybody knew their ids. One query where there is nothing."""
    known = {delivery.message.external_id: delivery.pk for delivery in confirmed}
    waiting = list(Receipt.objects.filter(channel=channel, external_id__in=known))
    if waiting:
        note(furthest((known[row.external_id], Fact(row.state, row.at, row.reason)) for row in waiting))
        Receipt.objects.filter(pk__in=[row.pk for row in waiting]).delete()
