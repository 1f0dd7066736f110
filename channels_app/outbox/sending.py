"""Claimed, sent, confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from channels_app import access
from channels_app.models import Delivery
from channels_app.outbox import doubt, windows
from channels_app.outbox.asking import ask
from channels_app.outbox.leaving import outgoing
from channels_app.outbox.settling import LEASE, UNDER_WAY, later, record, settle
from channels_app.outbox.stopping import fail, stop_after, tell
from channels_app.platforms.abilities import SendsByPerson
from channels_app.platforms.base import Platform, Sent
from channels_app.platforms.errors import AccessRevoked, Duplicate, Rejected, TryLater, UnknownOutcome
from crm import consent, identify
from crm.errors import Refused
from crm.models import Purpose


class LinkGone(Refused):
    sentence = gettext_lazy("The link in this message does not work any more, so it was not sent.")


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("What was written leaves for the network"))
def deliver(pk: int) -> None:
    """Send one reply if it is due and nobody else has it, and if they may still be written to."""
    delivery = _claim(pk)
    if delivery is None:
        return
    try:
        sent = _send(delivery)
    except Duplicate as known:
        doubt.there_already(delivery, known)
    except Rejected as refusal:
        _refused(delivery, str(refusal))
    except AccessRevoked as error:  # the channel is shut by now: it waits until that is open again, however long
        reason = str(error)
        settle(delivery, lambda d: d.put_back(reason))
    except TryLater as error:
        after, reason = timedelta(seconds=error.after), str(error)
        settle(delivery, lambda d: later(d, after, reason))
    except UnknownOutcome as error:
        reason = str(error)
        settle(delivery, lambda d: d.doubt(reason, settled_at=timezone.now() + UNDER_WAY))
        doubt.resolve_doubt(delivery.pk)
    else:
        record(delivery, sent)


def _send(delivery: Delivery) -> Sent:
    by_person = windows.wants_a_person(delivery.message)

    def ask(platform: Platform) -> Sent:
        if by_person and isinstance(platform, SendsByPerson):
            return platform.send_by_person(outgoing(delivery))
        return platform.send(outgoing(delivery))

    return access.through(delivery.message.channel, ask)


def _refused(delivery: Delivery, reason: str) -> None:
    """Where an earlier try may have arrived, that is looked for first: what it answered may be gone since."""
    if not doubt.found_after_all(delivery):
        settle(delivery, lambda d: fail(d, reason))


def with_message() -> QuerySet[Delivery]:
    parts = ("channel", "thread", "identity", "identity_request")
    return Delivery.objects.select_related("after", *(f"message__{part}" for part in parts))


def _claim(pk: int) -> Delivery | None:
    """The reply, for us alone. One that may not leave any more is stopped with the sentence why."""
    now = timezone.now()
    delivery = with_message().filter(pk=pk).first()
    if delivery is None or not delivery.is_due(now) or not delivery.is_free:
        return None
    try:
        claimed = _take(delivery, now)
    except Refused as refusal:
        claimed = False
        _stop(pk, now, str(refusal))
    return with_message().get(pk=pk) if claimed else None


@transaction.atomic
def _stop(pk: int, now: datetime, reason: str) -> None:
    if Delivery.objects.due(now).filter(pk=pk).update(state=Delivery.State.FAILED, reason=reason[:500]):
        stop_after([pk])
        tell(pk)


def _take(delivery: Delivery, now: datetime) -> bool:
    """Raises Refused where it may not leave. False where another worker was quicker."""
    message = delivery.message
    ask(message)
    windows.must_be_open_for(message)
    if message.identity_request and not identify.works(message.identity_request):
        raise LinkGone
    with consent.guarded():
        claimed = Delivery.objects.due(now).filter(pk=delivery.pk).update(
            state=Delivery.State.SENDING, lease_until=now + LEASE, attempts=F("attempts") + 1
        )  # fmt: skip
    if claimed:
        tell(delivery.pk)
    return bool(claimed)
