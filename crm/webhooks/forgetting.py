"""What the log of webhooks must not keep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.models import WebhookEvent

KEPT_DAYS = 30
NAMES_NOBODY = ("customer.erased", "customer.merged", "customer.unmerged")  # what they say are numbers


@transaction.atomic
def forget(customers: Iterable[int]) -> int:
    """Empty every event about these customers; what was not sent yet never will be. Returns how many said something.

    That they were erased or merged may still be told.
    """
    theirs = WebhookEvent.objects.filter(about__in=list(customers)).exclude(type__in=NAMES_NOBODY)
    never = _("The customer was erased before it was sent.")
    theirs.unsettled().update(state=WebhookEvent.State.GIVEN_UP, lease_until=None, trouble=never)
    return theirs.exclude(data={}).update(data={})


def forget_old() -> int:
    """Drop what was settled more than a month ago."""
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    settled = WebhookEvent.objects.settled().filter(created_at__lt=before)
    return settled.delete()[0]
