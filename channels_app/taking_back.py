"""A reply that has not left yet is taken back, as if it had not been written."""

from __future__ import annotations

from functools import partial

import structlog
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from channels_app.models import Delivery, Message
from crm.errors import Refused
from crm.models import User

log = structlog.get_logger(__name__)


class LeftAlready(Refused):
    sentence = _("It has left already.")


@transaction.atomic
def take_back(*, delivery: Delivery, by: User) -> Message:
    """Its rows and files are gone; returns the message as it was, to be read only. Raises LeftAlready.

    One locked row: a worker that would claim it waits, and then finds nothing; or was quicker, and then there is
    nothing to lock.
    """
    queued = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.QUEUED)
    held = queued.select_for_update(of=("self",)).first()
    if held is None:
        raise LeftAlready
    message = Message.objects.get(pk=held.message_id)
    files = [attachment.file for attachment in message.attachments.all()]
    Message.objects.filter(pk=message.pk).delete()
    for file in files:
        transaction.on_commit(partial(file.delete, save=False))
    log.info("a reply was taken back before it left", delivery=delivery.pk, by=by.pk)
    return message
