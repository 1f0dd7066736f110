"""How a channel is: asked in its pace, slower where it fails, shut where a person has to open it again.

Of a channel that fails its owner is told once, after a while; of one that is shut at once; and when it is well again.
What a network brings by itself is kept whatever the state; what would leave waits while the channel is shut.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.models import Channel, Credential, Delivery
from channels_app.models.channels import PATIENCE as PATIENCE
from channels_app.models.channels import ChannelQuerySet
from channels_app.platforms.abilities import Budget
from channels_app.platforms.errors import PlatformError, RateLimited
from crm import handoff, notices
from crm.models import Notice, User
from crm.models.staff import Role

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # in which one worker asks a channel: nobody else does
LONGEST = timedelta(minutes=15)  # between two tries of one that fails
RUNS_OUT = timedelta(days=7)  # ahead of which the owner of a key that nobody can renew is told
UNASKED = timedelta(hours=1)  # between two checks of one that only calls us
POLL = "channels_app.jobs.poll"


def pace(channel: Channel) -> timedelta:
    if not channel.capabilities.poll:
        return UNASKED
    return timedelta(seconds=settings.POLL_EVERY[channel.capabilities.pace])


# --- asking


def claim_due(now: datetime) -> list[int]:
    """The channels to be asked now, who has waited longest first; each is nobody else's for a while. Two queries."""
    return claimed(Channel.objects.to_poll(now), now)


def claimed(waiting: ChannelQuerySet, now: datetime) -> list[int]:
    due = list(waiting.values_list("pk", flat=True)[: settings.POLLS_AT_ONCE])
    with transaction.atomic():
        free = Channel.objects.select_for_update(skip_locked=True).filter(pk__in=due, next_poll_at__lte=now)
        mine = set(free.values_list("pk", flat=True))
        Channel.objects.filter(pk__in=mine).update(next_poll_at=now + LEASE)
    return [pk for pk in due if pk in mine]


def answered(channel: Channel, budget: Budget | None, *, more: bool) -> None:
    """It was asked, and answered. With `more` it is asked again at once."""
    now = timezone.now()
    wait = timedelta() if more else max(pace(channel), spared(budget, now))
    changes: dict[str, Any] = {
        "polled_at": now, "next_poll_at": now + wait, "failures": 0, "failing_since": None, "trouble": "",
        "budget": _kept(budget),
    }  # fmt: skip
    open_still = Channel.objects.filter(pk=channel.pk, broken_at=None).update(**changes)
    if open_still and channel.alerted_at:
        _well_again(channel)


def failed(channel: Channel, error: PlatformError) -> None:
    """It did not answer, or not what was asked: it is asked again, ever later."""
    now = timezone.now()
    wait = min(pace(channel) * 2 ** min(channel.failures, 10), LONGEST)
    if isinstance(error, RateLimited):
        wait = max(wait, timedelta(seconds=error.after))
    Channel.objects.filter(pk=channel.pk, broken_at=None).update(
        polled_at=now, next_poll_at=now + wait, failures=F("failures") + 1,
        failing_since=channel.failing_since or now, trouble=str(error)[:300],
    )  # fmt: skip


def spared(budget: Budget | None, now: datetime) -> timedelta:
    """How long to wait so that what is left of a budget lasts until it is filled up, with a third kept for answers."""
    if not budget or budget.left is None or not budget.resets_at or not budget.limit:
        return timedelta()
    rest = max(budget.resets_at - now, timedelta())
    ours = budget.left - budget.limit // 3
    return rest / ours if ours > 0 else rest


def _kept(budget: Budget | None) -> dict[str, object]:
    if budget is None:
        return {}
    resets_at = budget.resets_at.astimezone(UTC).isoformat() if budget.resets_at else ""
    return {"limit": budget.limit, "left": budget.left, "resets_at": resets_at}


# --- shut, and open again


def shut(channel: Channel, why: str) -> None:
    """A person has to connect it anew. What is on its way out waits; its owner is told at once."""
    now = timezone.now()
    changes = {"broken_at": now, "failing_since": now, "trouble": why[:300], "alerted_at": now}
    if Channel.objects.filter(pk=channel.pk, broken_at=None).update(**changes):
        log.warning("a channel is shut", channel=channel.key)
        told = _("%(channel)s does not let us in any more: %(why)s") % {"channel": channel, "why": why}
        _tell([channel], told)


def opened(channel: Channel) -> None:
    """It is connected again: it is asked at once, and what waited goes out."""
    Channel.objects.filter(pk=channel.pk).update(
        broken_at=None, failing_since=None, failures=0, trouble="", next_poll_at=timezone.now()
    )
    if channel.alerted_at:
        _well_again(channel)
    if channel.capabilities.poll:
        handoff.nudge(POLL, channel.pk)
    waiting = Delivery.objects.due(timezone.now()).filter(message__channel=channel)
    for pk in waiting.values_list("pk", flat=True)[:500]:
        handoff.nudge("channels_app.jobs.deliver", pk)


def _well_again(channel: Channel) -> None:
    if Channel.objects.filter(pk=channel.pk, alerted_at__isnull=False).update(alerted_at=None):
        _tell([channel], _("%(channel)s works again.") % {"channel": channel})


# --- who is told

SHOWN = 3  # channels in trouble, above the queue


def troubled() -> dict[str, Any]:
    """For the head of the queue: the channels on which answers wait, in one query."""
    found = list(Channel.objects.in_trouble(timezone.now())[: SHOWN + 1])
    return {"troubled": found[:SHOWN], "more_troubled": len(found) > SHOWN}


def watch() -> None:
    """By the clock: tell of channels that have failed for a while, and of keys that will run out."""
    now = timezone.now()
    for channel in Channel.objects.in_trouble(now).filter(broken_at=None, alerted_at=None):
        if Channel.objects.filter(pk=channel.pk, alerted_at=None).update(alerted_at=now):
            why = {"channel": channel, "why": channel.trouble}
            _tell([channel], _("%(channel)s has not answered for a while: %(why)s") % why)
    _watch_keys(now)


def _watch_keys(now: datetime) -> None:
    """Of each once: a key that could be renewed was, ahead of this (`access.renew_ahead`)."""
    ending = Credential.objects.running_out(now + RUNS_OUT).filter(
        expires_at__gt=now + timedelta(days=1), channel__broken_at=None, told_at=None
    )
    for held in ending.select_related("channel"):
        if Credential.objects.filter(pk=held.pk, told_at=None).update(told_at=now):
            day = {"channel": held.channel, "on": f"{held.expires_at:%Y-%m-%d}"}
            _tell([held.channel], _("The key of %(channel)s runs out on %(on)s: connect it again before.") % day)


def _tell(channels: Sequence[Channel], text: str) -> None:
    for channel in channels:
        whom = [channel.owner_id] if channel.owner_id else list(_administrators())
        notices.tell(
            whom, Notice.Kind.CHANNEL, text, url=reverse("channels_app:channel", args=[channel.pk]), about=channel
        )


def _administrators() -> list[int]:
    return list(User.objects.filter(is_active=True, role=Role.ADMIN).values_list("pk", flat=True)[:20])
