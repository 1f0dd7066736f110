"""An address from which mail comes back is closed, with what was said of it; a person may open it again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from crm.models import Activity, Identity, User
from crm.models.activity import log

CLOSED, OPENED = "closed: mail comes back", "opened: mail is sent again"


def close(*, identity: Identity, why: str, verb: str = CLOSED) -> None:
    """Nothing is sent there any more. What was said first stays."""
    open_ones = Identity.objects.filter(pk=identity.pk, unreachable_at=None, erased_at=None)
    if open_ones.update(unreachable_at=timezone.now(), unreachable_why=why[:300]):
        log(verb, identity, by=None)  # what was said quotes the address, and the log outlives them


@transaction.atomic
def open_again(*, identity: Identity, by: User) -> Identity:
    """It takes mail again: a mailbox that was moved, a mistake at their server. Where it was open, nothing happens."""
    closed = Identity.objects.filter(pk=identity.pk, unreachable_at__isnull=False)
    if closed.update(unreachable_at=None, unreachable_why=""):
        log(OPENED, identity, by=by)
    identity.refresh_from_db()
    return identity


def opened_at(identity: Identity) -> datetime | None:
    """When somebody opened it last; None where nobody ever did."""
    lines = Activity.objects.about(identity).filter(verb=OPENED).order_by("-id")
    return lines.values_list("at", flat=True).first()
