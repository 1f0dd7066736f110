"""In doubt where the network cannot be asked: a person says whether it arrived, or sends it again."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Delivery
from channels_app.outbox.asking import ask
from channels_app.outbox.settling import JOB
from channels_app.outbox.stopping import tell
from channels_app.outbox.windows import must_be_open_for
from crm import handoff
from crm.errors import Refused
from crm.models import User

log = structlog.get_logger(__name__)


class NotInDoubt(Refused):
    sentence = _("This reply is not in doubt any more: {state}.")


class CanBeAsked(Refused):
    sentence = _("{channel} can be asked whether this reply arrived: ask the network again.")


@transaction.atomic
def count_as_sent(*, delivery: Delivery, by: User) -> Delivery:
    """It is taken to have arrived, about when it was tried. What the network calls it nobody knows."""
    return _decide(delivery, lambda d: d.count_as_sent(at=min(timezone.now(), d.not_before)), by)


@transaction.atomic
def send_again(*, delivery: Delivery, by: User) -> Delivery:
    """It leaves once more under the same key, at the price that it may then stand there twice.

    Raises what may stand against writing to them by now.
    """
    return _decide(delivery, _once_more, by)


def _once_more(delivery: Delivery) -> None:
    ask(delivery.message)
    must_be_open_for(delivery.message)
    delivery.attempts = 0
    delivery.save(update_fields=["attempts"])
    delivery.wait(timezone.now(), "")
    handoff.nudge(JOB, delivery.pk)


def _decide(delivery: Delivery, move: Callable[[Delivery], None], by: User) -> Delivery:
    locked = Delivery.objects.select_for_update(of=("self",)).select_related("message__channel")
    current = locked.get(pk=delivery.pk)
    if current.state != Delivery.State.IN_DOUBT:
        raise NotInDoubt(state=current.get_state_display().lower())
    if not current.waits_for_a_person:
        raise CanBeAsked(channel=current.message.channel)
    move(current)
    log.info("a reply in doubt was decided on", delivery=current.pk, state=current.state, by=by.pk)
    tell(current.pk)
    return current
