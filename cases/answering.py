"""What can be answered in a case, and how: the customer's latest words on each thread, in public or for them alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from cases.models import Case
from channels_app.models import Message
from crm.errors import Refused

PRIVATELY = ":private"


class NotSaidHere(Refused):
    sentence = _("What you wanted to answer does not stand in this case any more. Choose again whom it goes to.")


@dataclass(frozen=True)
class Answerable:
    """`value` is what the form sends; empty for whatever the customer said last when it is sent."""

    message: Message
    private: bool
    value: str


def places(case: Case) -> list[Answerable]:
    """Newest first; the first is where an answer goes unless somebody chooses. One query."""
    theirs = Message.objects.filter(case_entry__case=case, direction=Message.Direction.IN)
    one_each = theirs.select_related("channel", "identity").order_by("thread", "private", "-occurred_at", "-id")
    latest = sorted(one_each.distinct("thread", "private"), key=lambda said: (said.occurred_at, said.pk), reverse=True)
    found = [Answerable(said, said.private, f"{said.pk}" if n else "") for n, said in enumerate(latest)]
    aside = [said for said in latest if not said.private and said.channel.capabilities.reply_private]
    return found + [Answerable(said, True, f"{said.pk}{PRIVATELY}") for said in aside]


def chosen(case: Case, value: str) -> tuple[Message | None, bool]:
    """What was chosen to be answered, None for what was said last; and whether for their eyes alone."""
    if not value:
        return None, False
    number, privately, _rest = value.partition(PRIVATELY)
    pk = int(number) if number.isdecimal() and len(number) < 19 else 0
    theirs = Message.objects.filter(case_entry__case=case, direction=Message.Direction.IN, pk=pk)
    message = theirs.select_related("channel").first()
    if message is None:
        raise NotSaidHere
    return message, bool(privately)
