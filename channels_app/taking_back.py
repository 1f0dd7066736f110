"""A reply that has not left yet is taken back, as if it had not been written."""

from __future__ import annotations

from functools import partial

import structlog
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from channels_app.models import Attachment, Delivery, Message
from channels_app.platforms import cutting
from crm.errors import Refused
from crm.models import User

log = structlog.get_logger(__name__)


class LeftAlready(Refused):
    sentence = _("It has left already.")


@transaction.atomic
def take_back(*, delivery: Delivery, by: User) -> Message:
    """Its rows and files are gone; returns the message as it was, to be read only. Raises LeftAlready.

    Of a reply in parts all go that have not left yet, and the message returned has the words of all these.

    Locked rows: a worker that would claim one waits, and then finds nothing; or was quicker, and then it is not queued
    any more.
    """
    parts = list(Delivery.objects.of_one_reply(delivery.pk).select_for_update(of=("self",)).select_related("message"))
    held = [part for part in parts if part.state == Delivery.State.QUEUED]
    if delivery.pk not in {part.pk for part in held}:
        raise LeftAlready
    message = held[0].message
    message.text = _words(parts, held)
    messages = [part.message_id for part in held]
    files = [attachment.file for attachment in Attachment.objects.filter(message__in=messages)]
    Message.objects.filter(pk__in=messages).delete()
    for file in files:
        transaction.on_commit(partial(file.delete, save=False))
    log.info("a reply was taken back before it left", delivery=delivery.pk, by=by.pk)
    return message


def _words(parts: list[Delivery], held: list[Delivery]) -> str:
    """As they were before they were cut, but for the blanks between them."""
    numbered = [part.message.text.removesuffix(cutting.place(n, len(parts))) for n, part in enumerate(parts, 1)]
    return cutting.joined(numbered[len(parts) - len(held) :])
