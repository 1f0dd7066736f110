"""How a customer can be asked: the mailbox that is theirs and takes mail, else where they write to us in private."""

from __future__ import annotations

from django.db.models import F

from channels_app.models import Message
from channels_app.platforms import registry
from crm.models import Customer, Identity


def mailbox(customer: Customer, known: int | None = None) -> Identity | None:
    """An address that is theirs for certain and from which nothing comes back: `known`, else a proven one, else the
    newest. One query."""
    theirs = Identity.objects.filter(
        kind=Identity.Kind.EMAIL,
        links__customer=customer,
        links__state="confirmed",
        unreachable_at=None,
        erased_at=None,
    )
    found = list(theirs.order_by(F("verified_at").desc(nulls_last=True), "-pk")[:50])
    return next((one for one in found if one.pk == known), found[0] if found else None)


def last_word(customer: Customer) -> Message | None:
    """What they said last where we can answer them in private. One query."""
    private = [
        kind for kind, platform in registry.PLATFORMS.items()
        if platform.capabilities.reply_private and not platform.capabilities.slow
    ]  # fmt: skip
    said = Message.objects.of_customer(customer).filter(
        direction=Message.Direction.IN, erased_at=None, deleted_at=None,
        channel__platform__in=private, channel__paused_at=None,
    )  # fmt: skip
    return said.select_related("channel", "identity", "thread").order_by("-occurred_at", "-id").first()
