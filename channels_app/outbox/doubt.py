"""Nobody knows whether it arrived: what its network can be asked decides."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import access
from channels_app.models import Delivery, Message
from channels_app.outbox.leaving import outgoing
from channels_app.outbox.settling import JOB, MOST_ATTEMPTS, UNDER_WAY, give_up, pause, record, settle
from channels_app.outbox.stopping import fail
from channels_app.platforms.base import Idempotency, Sent
from channels_app.platforms.errors import Duplicate, PlatformError
from crm import handoff

log = structlog.get_logger(__name__)

SAME_AGAIN = (Idempotency.NATIVE, Idempotency.DETECT)  # the network sees to it that it stands there once


def resolve_doubt(pk: int) -> None:
    """Ask the network about a reply whose outcome is unknown. Held for a person where it cannot tell."""
    delivery = _as_it_is(pk)
    if delivery.state != Delivery.State.IN_DOUBT:
        return
    idempotency = delivery.message.channel.capabilities.idempotency
    if idempotency in SAME_AGAIN and delivery.attempts < MOST_ATTEMPTS:
        settle(delivery, _same_key_again)
    elif idempotency is Idempotency.RECONCILE:
        _look_for(delivery)


def _as_it_is(pk: int) -> Delivery:
    parts = ("channel", "thread", "identity", "identity_request")
    return Delivery.objects.select_related(*(f"message__{part}" for part in parts)).get(pk=pk)


def _same_key_again(delivery: Delivery) -> None:
    """At once the first time, then ever later."""
    delivery.wait(timezone.now() + (pause(delivery) if delivery.attempts > 1 else timedelta()), delivery.reason)
    handoff.nudge(JOB, delivery.pk)


def _look_for(delivery: Delivery) -> None:
    asked_at = timezone.now()
    try:
        sent = _find(delivery)
    except PlatformError as error:
        log.info("cannot tell yet whether a reply arrived", delivery=delivery.pk, error=str(error))
        _behind_others(delivery, asked_at)
        return
    if sent:
        record(delivery, sent)
    elif delivery.not_before <= asked_at:
        settle(delivery, _not_there)


def _behind_others(delivery: Delivery, asked_at: datetime) -> None:
    """Those about whom nobody could be asked must not always stand first."""
    as_it_was = Delivery.objects.filter(pk=delivery.pk, state=delivery.state, not_before=delivery.not_before)
    as_it_was.filter(not_before__lt=asked_at).update(not_before=asked_at)


def _find(delivery: Delivery) -> Sent | None:
    return access.through(delivery.message.channel, lambda platform: platform.find_sent(outgoing(delivery)))


def _not_there(delivery: Delivery) -> None:
    """It did not arrive and cannot any more: nothing was sent."""
    if delivery.attempts >= MOST_ATTEMPTS:
        give_up(delivery, delivery.reason)
    else:
        delivery.wait(timezone.now(), "")
        handoff.nudge(JOB, delivery.pk)


# --- the network says that it has these words


def there_already(delivery: Delivery, known: Duplicate) -> None:
    """From this reply, where an earlier try of it may have arrived or the network names a post that nobody else's is;
    else from another one, and then this was not sent.
    """
    sent = _which(delivery, known)
    reason = str(known)
    if sent and not _is_anothers(delivery, sent.external_id):
        record(delivery, sent)
    elif delivery.attempts > 1 and not sent:
        settle(delivery, lambda d: d.doubt(_seen(reason), settled_at=timezone.now() + UNDER_WAY))
    else:
        settle(delivery, lambda d: fail(d, reason))


def _which(delivery: Delivery, known: Duplicate) -> Sent | None:
    try:
        found = _find(delivery)
    except PlatformError as error:
        log.info("cannot tell which post a reply is", delivery=delivery.pk, error=str(error))
        found = None
    if known.external_id and (found is None or found.external_id != known.external_id):
        return Sent(known.external_id, timezone.now())
    return found


def _seen(reason: str) -> str:
    told = _("%(why)s It was probably sent by an earlier try; look there before you send it again.")
    return told % {"why": reason}


def _is_anothers(delivery: Delivery, external_id: str) -> bool:
    same = Message.objects.filter(channel=delivery.message.channel, external_id=external_id)
    return same.exclude(pk=delivery.message_id).exclude(delivery=None).exists()


def found_after_all(delivery: Delivery) -> bool:
    """Whether a reply that is refused now had arrived by an earlier try. Only where the same key is sent again."""
    idempotency = delivery.message.channel.capabilities.idempotency
    if delivery.attempts <= 1 or idempotency is not Idempotency.DETECT:
        return False
    try:
        sent = _find(delivery)
    except PlatformError:
        return False
    if sent is None or _is_anothers(delivery, sent.external_id):
        return False
    record(delivery, sent)
    return True
