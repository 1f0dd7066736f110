"""How a customer can be asked: the mailbox that is theirs and takes mail, else where they write to us in private."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy

from channels_app import outbox
from channels_app.models import Message
from channels_app.platforms import registry
from crm import consent
from crm.errors import Refused
from crm.models import Customer, Identity, User


class NothingReachesThem(Refused):
    sentence = gettext_lazy(
        "No address of theirs takes mail, and they have not written where we can answer in private."
    )


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
        if platform.capabilities.reply_private and not platform.capabilities.is_mail
    ]  # fmt: skip
    said = Message.objects.of_customer(customer).filter(
        direction=Message.Direction.IN, overheard=False, erased_at=None, deleted_at=None,
        channel__platform__in=private, channel__paused_at=None,
    )  # fmt: skip
    return said.select_related("channel", "identity", "thread").order_by("-occurred_at", "-id").first()


def write_aside(customer: Customer, text: str, by: User) -> bool:
    """Whether it is in the outbox as a private message, below what they said last. Raises MayNotContact.

    False: they have not written where that is possible, or the network or a policy does not take it; then by mail.
    """
    question = last_word(customer)
    if question is None:
        return False
    try:
        with transaction.atomic():
            outbox.write(answer_to=question, text=text, by=by, private=True)
    except consent.MayNotContact:
        raise
    except Refused:
        return False
    return True
