"""What becomes of a reply: it waits, stops, is in doubt, or is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import locks
from channels_app.models import Channel, Delivery, Message
from channels_app.outbox import told
from channels_app.outbox.stopping import fail, tell
from channels_app.platforms.base import Sent
from crm import handoff

LEASE = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)  # in which one worker has it: longer than its job may take
UNDER_WAY = min(LEASE, timedelta(minutes=1))  # the worker has let go of it; until then the network may still be at it
MOST_ATTEMPTS = 8
JOB = "channels_app.jobs.deliver"


@transaction.atomic
def settle(delivery: Delivery, move: Callable[[Delivery], None]) -> None:
    """Apply `move`, unless something happened to the reply since `delivery` was read: its echo, another worker."""
    current = Delivery.objects.select_for_update(of=("self",)).select_related("message").get(pk=delivery.pk)
    if (current.state, current.lease_until, current.not_before) == (
        delivery.state, delivery.lease_until, delivery.not_before,
    ):  # fmt: skip
        move(current)
        tell(current.pk)


def later(delivery: Delivery, after: timedelta, reason: str) -> None:
    """Nothing was sent. Wait longer from try to try, and in the end say so."""
    if delivery.attempts >= MOST_ATTEMPTS:
        give_up(delivery, reason)
    else:
        delivery.wait(timezone.now() + max(after, pause(delivery)), reason)


def pause(delivery: Delivery) -> timedelta:
    return timedelta(seconds=min(2.0**delivery.attempts, 300.0))


def give_up(delivery: Delivery, reason: str) -> None:
    fail(delivery, _("Given up after %(n)s tries: %(why)s") % {"n": delivery.attempts, "why": reason})


@transaction.atomic
def record(delivery: Delivery, sent: Sent) -> None:
    """Note that the network has it. Its echo may have been stored first; then that row gives way to ours."""
    channel = delivery.message.channel
    locks.intake(channel)
    current = Delivery.objects.select_for_update(of=("self",)).select_related("message").get(pk=delivery.pk)
    if current.state == Delivery.State.SENT or current.told:  # its echo or its receipt was quicker
        return
    same = Message.objects.filter(channel=channel, external_id=sent.external_id).exclude(pk=current.message_id)
    if same.exclude(delivery=None).exists():
        current.doubt(_("The network gave it the id of another reply."), settled_at=timezone.now())
    else:
        same.filter(direction=Message.Direction.OUT).delete()
        current.confirm(external_id=sent.external_id, at=sent.at)
        Channel.objects.filter(pk=channel.pk).update(last_out_at=timezone.now())
        arrived(channel, [current])
    tell(current.pk)


def arrived(channel: Channel, confirmed: Sequence[Delivery]) -> None:
    """These were just confirmed: what was told of them before counts, and what goes after them may leave. Under the
    channel's intake lock, so that nothing told of them is missed. Three queries, whatever their number.
    """
    if not confirmed:
        return
    told.catch_up(channel, confirmed)
    names = {delivery.pk: delivery.message.external_id or "" for delivery in confirmed}
    following = list(Delivery.objects.filter(after__in=names).select_related("message"))
    for part in following:
        part.message.parent_external_id = names[part.after_id or 0]
        handoff.nudge(JOB, part.pk)
    Message.objects.bulk_update([part.message for part in following], ["parent_external_id"])
