"""A reply in doubt where nobody can be asked: the people of its case settle it, and the case's log says who did."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from cases.models import Case
from channels_app import outbox
from channels_app.models import Delivery
from crm.models import User
from crm.models.activity import log


@transaction.atomic
def count_as_arrived(*, delivery: Delivery, by: User) -> Delivery:
    """Raises NotInDoubt, and CanBeAsked where its network knows better."""
    return _decide(delivery, outbox.count_as_sent, "reply counted as arrived", by)


@transaction.atomic
def send_again(*, delivery: Delivery, by: User) -> Delivery:
    """The same, and what may stand against writing to them by now."""
    return _decide(delivery, outbox.send_again, "reply in doubt sent again", by)


def _decide(delivery: Delivery, decide: Callable[..., Delivery], verb: str, by: User) -> Delivery:
    case = Case.objects.select_for_update(of=("self",)).get(entries__message=delivery.message_id)
    decided = decide(delivery=delivery, by=by)
    log(verb, case, by=by)
    return decided
