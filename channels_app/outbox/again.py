"""What waits is nudged on; what stopped is tried again when a person asks for it."""

from __future__ import annotations

import uuid

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.models import Delivery
from channels_app.outbox.asking import ask
from channels_app.outbox.doubt import SAME_AGAIN
from channels_app.outbox.settling import JOB, MOST_ATTEMPTS
from channels_app.outbox.stopping import tell
from channels_app.outbox.windows import must_be_open_for
from channels_app.platforms import registry
from channels_app.platforms.base import Idempotency
from crm import handoff
from crm.errors import Refused
from crm.models import User

log = structlog.get_logger(__name__)

State = Delivery.State


class NobodyToAsk(Refused):
    sentence = gettext_lazy(
        "{channel} cannot be asked whether this reply arrived."
        " Find out, then say in its case that it arrived, or send it again there."
    )


class AlreadyGone(Refused):
    sentence = gettext_lazy("This reply is {state} by now; there is nothing to try again.")


@transaction.atomic
def try_again(*, delivery: Delivery, by: User) -> Delivery:
    """A person asks for another try. A failed reply was not sent: it is queued. One in doubt is looked for first.

    Of a reply in parts all goes on from the first that did not arrive.
    """
    line = Delivery.objects.of_one_reply(delivery.pk).select_for_update(of=("self",))
    parts = list(line.select_related("message__channel"))
    current = next(part for part in parts if part.pk == delivery.pk)
    if current.waits_for_a_person:
        raise NobodyToAsk(channel=current.message.channel)
    if not current.can_be_tried_again:
        raise AlreadyGone(state=current.get_state_display().lower())
    for part in [part for part in parts if part.can_be_tried_again]:
        _once_more(part)
    log.info("another try asked for", delivery=current.pk, by=by.pk)
    return current


def _once_more(delivery: Delivery) -> None:
    if delivery.state == State.FAILED:
        ask(delivery.message)
        must_be_open_for(delivery.message)
    delivery.attempts = 0
    delivery.save(update_fields=["attempts"])
    if delivery.state == State.FAILED:
        _as_new(delivery)
        delivery.wait(timezone.now(), "")
        handoff.nudge(JOB, delivery.pk)
    else:
        handoff.nudge("channels_app.jobs.resolve_doubt", delivery.pk)


def _as_new(delivery: Delivery) -> None:
    """What the network took and could not deliver has an id and a key there: under these it would take nothing more,
    and what it still says of them is not about the new try."""
    if delivery.told:
        delivery.told, delivery.told_at, delivery.key = "", None, uuid.uuid4()
        delivery.save(update_fields=["told", "told_at", "key"])
        delivery.message.external_id = None
        delivery.message.save(update_fields=["external_id"])


def sweep() -> None:
    """Find replies whose next step is missing: due and not sent, abandoned by a dead worker, in doubt."""
    now = timezone.now()
    for pk in Delivery.objects.abandoned(now).values_list("pk", flat=True):
        with transaction.atomic():
            delivery = Delivery.objects.abandoned(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if delivery:
                delivery.doubt(_("The connection broke while it was being sent."), settled_at=now)
                tell(pk)
    for pk in _to_ask_about().values_list("pk", flat=True)[:500]:
        handoff.nudge("channels_app.jobs.resolve_doubt", pk)
    release()


def _to_ask_about() -> QuerySet[Delivery]:
    """Those in doubt of which something can be learnt, who was asked about longest ago first: none starves."""
    mute, tried = registry.idempotent(Idempotency.NONE), registry.idempotent(*SAME_AGAIN)
    in_doubt = Delivery.objects.filter(state=State.IN_DOUBT).exclude(message__channel__platform__in=mute)
    in_vain = Q(message__channel__platform__in=tried, attempts__gte=MOST_ATTEMPTS)
    return in_doubt.exclude(in_vain).order_by("not_before", "pk")


def release() -> None:
    """Nudge what is due and not taken: what was held long enough for its undo, and what waited for another try."""
    for pk in Delivery.objects.due(timezone.now()).free().values_list("pk", flat=True)[:500]:
        handoff.nudge(JOB, pk)
