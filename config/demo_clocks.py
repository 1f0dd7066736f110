"""Skylark's hours and promises, for the demo: an office week, a long week, and what its channels promise in public."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from cases import promises
from cases.models import Case
from channels_app.models import Channel, ChannelPromise
from crm import calendars
from crm.calendars import Off
from crm.models import Calendar, User

BRAND = "Skylark"
LONG_DAYS, WEEKEND = [(6 * 60, 23 * 60)], [(8 * 60, 22 * 60)]
OFFICE = [(9 * 60, 13 * 60), (14 * 60, 18 * 60)]
WE_DO = (
    "Delays, cancellations, connections and lost property, while you travel and after.\nBookings, refunds and invoices."
)
WE_DO_NOT = "We never ask for card numbers or passwords, here or anywhere.\nEmergencies on board: speak to the crew."


def load() -> None:
    """To be called once, when channels and people are there. Where hours are set already, nothing happens."""
    by = User.objects.filter(role="lead").order_by("pk").first()
    if by is None or Calendar.objects.filter(name="Social desk").exists():
        return
    year = timezone.now().year
    off = [
        Off(date(year, 12, 25), "Christmas Day", (10 * 60, 16 * 60)),
        Off(date(year + 1, 1, 1), "New Year’s Day", (10 * 60, 16 * 60)),
    ]
    closed = [day._replace(minutes=None) for day in off]
    desk = Calendar(name="Social desk", time_zone="Europe/Madrid")
    calendars.save(calendar=desk, week=[LONG_DAYS] * 5 + [WEEKEND] * 2, off=off, by=by)
    office = Calendar(name="Letters and phone", time_zone="Europe/London")
    calendars.save(calendar=office, week=[OFFICE] * 5 + [[]] * 2, off=closed, by=by)
    for channel in Channel.objects.order_by("pk"):
        _promise(channel, office if channel.capabilities.written_by_hand else desk)
    promises.settle(Case.objects.unresolved().values_list("pk", flat=True))
    promises.recompute(Channel.objects.values_list("pk", flat=True))


def _promise(channel: Channel, calendar: Calendar) -> None:
    can = channel.capabilities
    if not can.can_reply or ChannelPromise.objects.filter(channel=channel).exists():
        return
    if not channel.brand:
        channel.brand = BRAND
        channel.save(update_fields=["brand"])
    ChannelPromise.objects.create(
        channel=channel, calendar=calendar, what_we_do=WE_DO, what_we_do_not=WE_DO_NOT,
        published_at=None if can.written_by_hand else timezone.now(),
    )  # fmt: skip
