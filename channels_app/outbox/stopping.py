"""A reply that was not sent, and what would have gone after it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from channels_app import live
from channels_app.models import Delivery


def fail(delivery: Delivery, reason: str) -> None:
    """It was not sent, and neither is what would have gone after it."""
    delivery.stop(Delivery.State.FAILED, reason)
    stop_after([delivery.pk])


@transaction.atomic
def stop_after(pks: Sequence[int]) -> None:
    """The parts after these stay here: what they go on from is not there. One query where there are none."""
    if not pks:
        return
    why = _("The part before it was not sent, so this one was not either.")
    later = list(Delivery.objects.going_after(pks).filter(state=Delivery.State.QUEUED).select_for_update(of=("self",)))
    for part in later:
        part.stop(Delivery.State.FAILED, why)
    tell(*[part.pk for part in later])


def tell(*pks: int) -> None:
    live.announce("delivery", *pks)
