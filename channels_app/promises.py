"""What a channel promises: set by a lead, and published on the page of its brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from channels_app.models import Channel, ChannelPromise
from crm import calendars, handoff, hours
from crm.calendars import Now
from crm.hours import ALWAYS, Hours
from crm.models import Holiday, User
from crm.models.activity import log

NEXT_HOLIDAYS = 6


def of(channel: Channel) -> ChannelPromise:
    """What the channel promises; the defaults, not stored, where nobody has said so."""
    return ChannelPromise.objects.filter(channel=channel).first() or ChannelPromise(channel=channel)


@transaction.atomic
def save(*, promise: ChannelPromise, published: bool, by: User) -> ChannelPromise:
    """Set what a channel promises. Clocks that run go on by the new hours; the new times hold for those to come."""
    promise.published_at = (promise.published_at or timezone.now()) if published else None
    verb = "changed" if promise.pk else "made"
    promise.save()
    log(verb, promise, by=by)
    handoff.pass_on("hours_changed")
    return promise


@dataclass(frozen=True)
class Stated:
    """One published promise, as the page says it."""

    promise: ChannelPromise
    hours: Hours
    now: Now
    week: list[tuple[str, str]]
    holidays: list[tuple[date, str, str]]

    @property
    def channel(self) -> Channel:
        return self.promise.channel


def published(brand: str, at: datetime) -> Sequence[Stated]:
    """All that the brand with this slug promises in public. Three queries."""
    promises = ChannelPromise.objects.exclude(published_at=None).exclude(channel__brand="")
    rows = promises.select_related("channel", "calendar").order_by("channel__name")
    found = [row for row in rows if row.channel.brand_slug == brand]
    used = {row.calendar_id for row in found if row.calendar_id}
    known, names = hours.load(used), _names(used)
    return [
        _stated(row, known.get(row.calendar_id or 0, ALWAYS), names.get(row.calendar_id or 0, {}), at) for row in found
    ]


def _names(used: set[int]) -> dict[int, dict[date, str]]:
    names: dict[int, dict[date, str]] = {}
    rows = Holiday.objects.filter(calendar__in=used).values_list("calendar_id", "on", "name") if used else ()
    for calendar, on, name in rows:
        names.setdefault(calendar, {})[on] = name
    return names


def _stated(promise: ChannelPromise, found: Hours, names: dict[date, str], at: datetime) -> Stated:
    ahead = calendars.coming(found, names, at.date())[:NEXT_HOLIDAYS]
    return Stated(promise, found, calendars.now_of(found, at), calendars.week_in_words(found), ahead)
